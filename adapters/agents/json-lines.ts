/** Reads a program's output as JSON lines, in whatever pieces it comes. What is no JSON is passed over: programs warn there. */

/** One line that is a JSON object. */
export type JsonLine = Readonly<Record<string, unknown>>;

/** A line beyond this is dropped: the largest tool results of the vendors' agents are below 1 MiB. */
const maxLineChars = 8_388_608;

/** Cuts text into lines and answers those that are objects. Holds at most one line. */
export function createLineReader(): {
  read(text: string): readonly JsonLine[];
  /** The last line, if it had no end. */
  end(): readonly JsonLine[];
} {
  let pieces: string[] = [];
  let length = 0;
  let tooLong = false;

  const finish = (): readonly JsonLine[] => {
    const line = tooLong ? '' : pieces.join('');
    pieces = [];
    length = 0;
    tooLong = false;
    const parsed = parseObject(line);
    return parsed === undefined ? [] : [parsed];
  };
  const keep = (piece: string): void => {
    length += piece.length;
    tooLong ||= length > maxLineChars;
    if (tooLong) pieces = [];
    else pieces.push(piece);
  };
  return {
    read(text) {
      const [first = '', ...rest] = text.split('\n');
      keep(first);
      return rest.flatMap((piece) => {
        const line = finish();
        keep(piece);
        return line;
      });
    },
    end: finish,
  };
}

function parseObject(line: string): JsonLine | undefined {
  if (!line.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as JsonLine;
  } catch {
    return undefined;
  }
}

/** A part of a line that is an object; of anything else an empty one. */
export function objectIn(value: unknown): JsonLine {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonLine)
    : {};
}

/** A part of a line that is a list; of anything else an empty one. */
export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A part of a line that is a text with something in it; else undefined. */
export function findText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A part of a line as text: itself, the texts of a list of parts, or its JSON. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  if (!Array.isArray(value)) return JSON.stringify(value);
  return value.map((part) => findText(objectIn(part)['text']) ?? '').join('\n');
}
