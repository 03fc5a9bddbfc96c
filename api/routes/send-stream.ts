/** Writing answers that come piece by piece, at the pace of their reader. */
import { once } from 'node:events';
import type { Response } from 'express';
import type { ApiDeps } from '../deps.ts';
import type { Followed } from '../use-cases/follow-events.ts';

type StreamDeps = Pick<ApiDeps, 'stopping' | 'streams' | 'metrics'>;

/** What a piecewise answer is made of: its pieces, produced until the signal says that nobody wants more. */
type Pieces = (signal: AbortSignal) => AsyncGenerator<string, void>;

/** Sends text page by page, as `text/plain`. */
export async function sendText(
  deps: StreamDeps,
  response: Response,
  pieces: Pieces,
): Promise<void> {
  await send(deps, response, { 'content-type': 'text/plain; charset=utf-8' }, pieces);
}

/** Sends followed events as server-sent events. The id is the sequence number, so that a browser resumes by itself. */
export async function sendEvents(
  deps: StreamDeps,
  response: Response,
  follow: (signal: AbortSignal) => AsyncGenerator<Followed, void>,
): Promise<void> {
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    // Asks nginx not to collect the stream before it passes it on.
    'x-accel-buffering': 'no',
  };
  deps.metrics.sseClientsChanged(1);
  try {
    await send(deps, response, headers, async function* (signal) {
      for await (const followed of follow(signal)) yield toServerSentEvent(followed);
    });
  } finally {
    deps.metrics.sseClientsChanged(-1);
  }
}

async function send(
  { stopping, streams }: StreamDeps,
  response: Response,
  headers: Readonly<Record<string, string>>,
  pieces: Pieces,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, stopping]);
  for await (const piece of pieces(signal)) {
    // Set late: what fails before the first piece is answered as a problem document.
    if (!response.headersSent) response.status(200).set(headers);
    if (!response.write(piece)) await drained(response, gone, streams.stalledMs);
    if (gone.signal.aborted) return;
  }
  if (!response.headersSent) response.status(200).set(headers);
  response.end();
}

/** Waits until the reader took what was sent. One that never does is cut off, else it would be held for ever. */
async function drained(response: Response, gone: AbortController, limitMs: number): Promise<void> {
  const stalled = setTimeout(() => response.destroy(), limitMs);
  try {
    await once(response, 'drain', { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    clearTimeout(stalled);
  }
}

/** One frame of the stream, as the HTML standard defines it. */
function toServerSentEvent(followed: Followed): string {
  switch (followed.kind) {
    case 'open':
      return 'retry: 1000\n\n';
    case 'event': {
      const { event } = followed;
      return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    }
    case 'delta': {
      // Every line of the data needs its own field name.
      const lines = followed.data.split(/\r\n|[\r\n]/).map((line) => `data: ${line}\n`);
      return `event: delta\n${lines.join('')}\n`;
    }
    case 'heartbeat':
      return ': heartbeat\n\n';
  }
}
