/** Server-sent events, as the HTML standard describes them (section 9.2.6 of html.spec.whatwg.org). */

/** One message of a stream. */
export interface SseMessage {
  /** The last `id:` seen up to here; empty before the first. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Reads a stream of bytes as messages. What comes after the last blank line is no message and is dropped. */
export async function* readSse(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<SseMessage> {
  const parser = createSseParser();
  const decoder = new TextDecoder();
  for await (const chunk of bytes) yield* parser.push(decoder.decode(chunk, { stream: true }));
}

/** A parser that is fed text in pieces of any size. */
export interface SseParser {
  /** Takes the next piece; answers the messages that it completed. */
  readonly push: (text: string) => SseMessage[];
}

/** Makes a parser at the beginning of a stream. */
export function createSseParser(): SseParser {
  let rest = '';
  let started = false;
  let id = '';
  let event = '';
  let data: string[] = [];

  const takeLine = (line: string): SseMessage | undefined => {
    if (line === '') {
      const message =
        data.length === 0
          ? undefined
          : { id, event: event === '' ? 'message' : event, data: data.join('\n') };
      event = '';
      data = [];
      return message;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    return undefined;
  };

  return {
    push: (text) => {
      rest += started ? text : text.replace(/^\uFEFF/, '');
      started ||= text !== '';
      // A carriage return at the end may be half of a line's end: it waits for the next piece.
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      return lines.map(takeLine).filter((message) => message !== undefined);
    },
  };
}
