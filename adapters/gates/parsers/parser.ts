/** What all readers of outputs share. */
import type { Finding } from '../../../contracts/step.schema.ts';
import type { Places } from '../output-places.ts';

/** Reads what one tool writes. Lines have no colours; what is not the tool's is passed over. */
export type Parser = (lines: readonly string[], places: Places) => Finding[];

const maxMessage = 500;

/** A finding as it is read: text of groups that may not have matched. */
export interface ReadFinding {
  readonly tool: string;
  readonly file?: string | undefined;
  readonly line?: string | undefined;
  readonly column?: string | undefined;
  readonly code?: string | undefined;
  readonly severity?: string | undefined;
  readonly message: string | undefined;
}

/** Makes a finding, without what the output did not tell. */
export function toFinding(read: ReadFinding): Finding {
  const { tool, file, line, column, code } = read;
  const message = read.message?.trim().slice(0, maxMessage) ?? '';
  return {
    tool,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line: Number(line) }),
    ...(column === undefined ? {} : { column: Number(column) }),
    ...(code === undefined || code === '' ? {} : { code: code.slice(0, 100) }),
    severity: /^warn/i.test(read.severity ?? '') ? 'warning' : 'error',
    message: message === '' ? 'failed' : message,
  };
}

/** Reads findings that stand on one line each; `read` answers undefined for a line that is none. */
export function perLine(
  pattern: RegExp,
  read: (match: RegExpExecArray, places: Places) => ReadFinding | undefined,
): Parser {
  return (lines, places) => {
    const findings: Finding[] = [];
    for (const line of lines) {
      const match = pattern.exec(line);
      const found = match === null ? undefined : read(match, places);
      if (found !== undefined) findings.push(toFinding(found));
    }
    return findings;
  };
}

/** Cuts lines into the blocks that begin with a line that fits; what is before the first is left out. */
export function blocks(lines: readonly string[], begins: RegExp): (readonly string[])[] {
  const starts = lines.flatMap((line, place) => (begins.test(line) ? [place] : []));
  return starts.map((start, index) => lines.slice(start, starts[index + 1]));
}
