/** Reads the JSON of server-sent events, piece by piece, beside whoever passes the pieces on. */

/** Longest event that is read: an answer of the largest models is far shorter. */
const longestEvent = 16 * 1_048_576;

/** Reads a stream. */
export interface EventStream {
  /** Takes a piece; answers the events that it completes. What is no JSON (`[DONE]`, a ping's comment) is left out. */
  read(piece: Uint8Array): readonly unknown[];
}

/** Makes the reader of one answer. */
export function createEventStream(): EventStream {
  const decoder = new TextDecoder();
  let rest = '';
  return {
    read(piece) {
      rest += decoder.decode(piece, { stream: true });
      const events = rest.split(/\r?\n\r?\n|\r\r/);
      rest = events.pop() ?? '';
      if (rest.length > longestEvent) throw new Error('an event of the answer does not end');
      return events.flatMap(dataOf);
    },
  };
}

function dataOf(event: string): readonly unknown[] {
  const lines = event.split(/\r?\n|\r/).flatMap((line) => /^data: ?(.*)$/.exec(line)?.[1] ?? []);
  if (lines.length === 0) return [];
  try {
    return [JSON.parse(lines.join('\n'))];
  } catch {
    return [];
  }
}
