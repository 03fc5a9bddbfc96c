/**
 * The gateway of a turn: an HTTP server on a Unix socket that speaks its agent's wire. It knows paths and forms; what a
 * call may cost, and when it goes, is decided by whoever opened it.
 *
 * Whatever a program sends is judged: the path must be known, the body an object of bounded size, and of the headers only
 * those pass that the wire names. Address, model and credential are never the program's.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { codeOf, type ErrorCode } from '../../contracts/errors.ts';
import type { CallRoute, Clock, GatewayRefusal, ModelGateway, ModelWire } from '../ports.ts';
import { anthropicWire } from './anthropic-wire.ts';
import { forwardCall, type AnswerSink, type IncomingRequest } from './forward-call.ts';
import { googleWire } from './google-wire.ts';
import { openaiWire } from './openai-wire.ts';
import type { Endpoint, Wire, WireBody } from './wire.ts';

/** Largest request that is read, as at Anthropic: 32 MB. */
const longestBodyBytes = 32 * 1_048_576;
/** A socket's path has 107 bytes at most; its name here has fewer than 40. */
const longestFolderBytes = 65;
/** How long counting tokens may take. */
const countTimeoutMs = 30_000;

const wires: Readonly<Record<ModelWire, Wire>> = {
  anthropic: anthropicWire,
  openai: openaiWire,
  google: googleWire,
};

/** Statuses of refusals; the rest is 400. */
const statuses: Partial<Record<ErrorCode, number>> = {
  MODEL_RATE_LIMITED: 429,
  MODEL_UNAVAILABLE: 503,
  MODEL_REQUEST_TOO_LARGE: 413,
  MODEL_REFUSED: 403,
};

type Opening = Parameters<ModelGateway['open']>[0];

/** Makes the gateways of a host; several processes may share its data folder. */
export function createModelGateway(options: {
  readonly dataDir: string;
  readonly clock: Clock;
}): ModelGateway {
  const folder = folderOf(options.dataDir);
  const prefixOf = (key: string): string =>
    `${createHash('sha256').update(key).digest('hex').slice(0, 16)}.`;
  return {
    wireOf: ({ account }) => {
      if (account === undefined || account.provider === 'openai-compatible') return undefined;
      return account.api === 'chat' ? undefined : account.provider;
    },
    async open(opening) {
      makePrivate(folder);
      const socketPath = join(folder, `${prefixOf(opening.key)}${opening.number}.sock`);
      const pending = new Set<Promise<void>>();
      const server = createServer((request, response) => {
        const served = serve({ ...opening, clock: options.clock }, request, response).catch(() => {
          response.destroy();
        });
        pending.add(served);
        void served.finally(() => pending.delete(served));
      });
      // Programs wait in an open request for as long as limits make them.
      server.requestTimeout = 0;
      server.timeout = 0;
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(socketPath, resolve);
      });
      return {
        socketPath,
        async close() {
          const closed = new Promise((resolve) => server.close(resolve));
          server.closeIdleConnections();
          while (pending.size > 0) await Promise.all(pending);
          server.closeAllConnections();
          await closed;
        },
      };
    },
    async isServed(key) {
      for (const name of namesIn(folder).filter((one) => one.startsWith(prefixOf(key)))) {
        const path = join(folder, name);
        if (await isListening(path)) return true;
        // Its process was killed.
        rmSync(path, { force: true });
      }
      return false;
    },
  };
}

interface Serving extends Opening {
  readonly clock: Clock;
}

async function serve(
  serving: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const wire = wires[serving.wire];
  const refuse = (status: number, message: string, headers: Record<string, string> = {}): void => {
    if (response.destroyed || response.headersSent) return;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(wire.toErrorBody(status, message)));
  };
  const endpoint = findEndpoint(wire, request);
  if (endpoint === undefined) {
    request.resume();
    refuse(404, 'The gateway does not serve this path.');
    return;
  }
  const text = await readBody(request);
  if (text === undefined) {
    refuse(413, 'The request is larger than 32 MB.');
    return;
  }
  const body = parseObject(text);
  if (body === undefined) {
    refuse(400, 'The request body is not a JSON object.');
    return;
  }
  const incoming = { wire, endpoint, body, headers: passedHeaders(wire, request) };
  const refusal = await answer(serving, incoming, { response, characters: text.length });
  if (refusal === undefined) {
    response.end();
    return;
  }
  // Half an answer is with the program: only an end without an end tells it so.
  if (response.headersSent) response.destroy();
  else refuse(statuses[refusal.code] ?? 400, refusal.message, retryHeaders(refusal));
}

async function answer(
  serving: Serving,
  incoming: IncomingRequest,
  to: { readonly response: ServerResponse; readonly characters: number },
): Promise<GatewayRefusal | undefined> {
  const { response, characters } = to;
  const { clock } = serving;
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort(new Error('the program hung up'));
  });
  const sink = sinkOf(response);
  if (incoming.endpoint.kind === 'count') {
    const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(countTimeoutMs)]);
    const question = { maxOutputTokens: undefined, signal, onHeaders: ignore, onBegin: ignore };
    return forwardCall(incoming, serving.countsOn, { question, sink, clock }).then(
      () => undefined,
      toRefusal,
    );
  }
  return serving.onCall({
    characters,
    maxOutputTokens: incoming.wire.maxOutputOf(incoming.body),
    gone: gone.signal,
    ask: (route: CallRoute, question) => forwardCall(incoming, route, { question, sink, clock }),
    hasBegun: () => response.headersSent,
  });
}

function ignore(): void {
  // Counting tokens is in nobody's books.
}

function toRefusal(error: unknown): GatewayRefusal {
  const message = error instanceof Error ? error.message : 'It failed.';
  return { code: codeOf(error) ?? 'MODEL_UNAVAILABLE', message };
}

function findEndpoint(wire: Wire, { method, url = '' }: IncomingMessage): Endpoint | undefined {
  const [path = ''] = url.split('?');
  return method === 'POST' ? wire.findEndpoint(path) : undefined;
}

function passedHeaders(wire: Wire, { headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    wire.passedHeaders.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

function retryHeaders({ retryAfterMs }: GatewayRefusal): Record<string, string> {
  if (retryAfterMs === undefined) return {};
  return { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) };
}

/** The answer's way to the program; a program that left does not hold it up. */
function sinkOf(response: ServerResponse): AnswerSink {
  return {
    begin(headers) {
      if (!response.destroyed) response.writeHead(200, headers);
    },
    async write(piece) {
      if (response.destroyed || response.write(piece)) return;
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go);
          response.off('close', go);
          resolve();
        };
        response.on('drain', go);
        response.on('close', go);
      });
    },
  };
}

/** Reads a body; undefined when it is too large. What is too large is read on, so that the program reads the answer. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size <= longestBodyBytes) pieces.push(piece);
  }
  return size > longestBodyBytes ? undefined : Buffer.concat(pieces).toString('utf8');
}

function parseObject(text: string): WireBody | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
    return body as WireBody;
  } catch {
    return undefined;
  }
}

/** Beside the data, or where that path is too long for a socket's name, in a folder of the user's own. */
function folderOf(dataDir: string): string {
  const beside = join(dataDir, 'gateways');
  if (Buffer.byteLength(beside) <= longestFolderBytes) return beside;
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  return join(tmpdir(), `ado-gateways-${name}`);
}

/** @throws Error when somebody else has the folder */
function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== userInfo().uid)
    throw new Error(`${folder} is not a folder of this user`);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
