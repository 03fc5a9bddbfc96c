/** A reader of server-sent events that knows what it has read, however its connection ends. */
import type { Event } from '../../../contracts/event.schema.ts';

/** One frame of a stream. */
export interface Frame {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

/** Yields frames; comments and `retry` lines have no data and are left out. */
export async function* readFrames(response: Response): AsyncGenerator<Frame, void> {
  if (response.body === null) return;
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const frame = toFrame(block);
      if (frame !== undefined) yield frame;
    }
  }
}

/** Reads the events of a stream to its end. */
export async function readEvents(response: Response): Promise<Event[]> {
  const events: Event[] = [];
  for await (const { id, data } of readFrames(response)) {
    if (id !== undefined) events.push(JSON.parse(data) as Event);
  }
  return events;
}

function toFrame(block: string): Frame | undefined {
  const fields = block.split('\n').map((line) => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)] as const;
  });
  const valueOf = (name: string) => fields.find(([field]) => field === name)?.[1];
  const data = fields.filter(([field]) => field === 'data').map(([, value]) => value);
  if (data.length === 0) return undefined;
  return { id: valueOf('id'), event: valueOf('event'), data: data.join('\n') };
}
