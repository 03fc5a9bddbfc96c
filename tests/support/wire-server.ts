/** A provider's end of the wire for one test: gives out recorded answers and keeps what it was asked. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer: a body, or the events of a stream. */
export interface WireAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent at once; anything but a text as JSON. */
  readonly body?: unknown;
  /** Sent one after another, as `text/event-stream`. */
  readonly events?: readonly string[];
  /** What becomes of the connection after the last event: a proper end, a reset, or nothing more comes. */
  readonly then?: 'end' | 'reset' | 'silence';
}

/** What was asked. */
export interface WireRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as it came, byte for byte. */
  readonly body: string;
}

/** A server that is listening. */
export interface WireServer {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly requests: readonly WireRequest[];
  /** The next answers, in order; the last one is given again and again. */
  answerWith(...answers: readonly WireAnswer[]): void;
  close(): Promise<void>;
}

/** Starts a server on a free port. */
export async function startWireServer(): Promise<WireServer> {
  const requests: WireRequest[] = [];
  let answers: readonly WireAnswer[] = [];
  let given = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url = '', headers } = request;
      requests.push({ path: url, headers, body: Buffer.concat(chunks).toString() });
      const answer = answers[Math.min(given, answers.length - 1)];
      given += 1;
      if (answer === undefined) response.destroy();
      else void send(response, answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    answerWith(...next) {
      answers = next;
      given = 0;
      requests.length = 0;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function send(response: ServerResponse, answer: WireAnswer): Promise<void> {
  const { status = 200, headers = {}, body, events, then = 'end' } = answer;
  const type = events === undefined ? 'application/json' : 'text/event-stream';
  response.writeHead(status, { 'content-type': type, ...headers });
  if (events === undefined) {
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
    return;
  }
  response.flushHeaders();
  for (const event of events) {
    await new Promise((resolve) => {
      response.write(event, resolve);
    });
  }
  if (then === 'end') response.end();
  if (then === 'reset') response.socket?.resetAndDestroy();
}
