/**
 * The gateway of a turn: an HTTP server on a Unix socket that speaks its agent's wire. It knows paths and forms; what a
 * call may cost, and when it goes, is decided by whoever opened it.
 *
 * Whatever a program sends is judged: the path must be known, the body an object of bounded size, and of the headers only
 * those pass that the wire names. Address, model and credential are never the program's.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { CallRoute, Clock, GatewayRefusal, ModelGateway, ModelWire } from '../ports.ts';
import { namesIn } from '../workspaces/small-files.ts';
import { anthropicWire } from './anthropic-wire.ts';
import { forwardCall, type AnswerSink, type IncomingRequest } from './forward-call.ts';
import { googleWire } from './google-wire.ts';
import { openaiWire } from './openai-wire.ts';
import type { Endpoint, Wire, WireBody } from './wire.ts';

/** Largest request that is read, as at Anthropic: 32 MB. */
const longestBodyBytes = 32 * 1_048_576;
/** What the requests of a turn may hold at once: its program is hostile, and the worker has others. */
const mostHeldBytes = 4 * longestBodyBytes;
/** Connections of a turn at once, for the same reason; a program with a dozen side tasks needs a tenth of it. */
const mostConnections = 128;
/** How long a program may leave its answer unread before it counts as gone: its call holds a place in the limits. */
const longestStallMs = 60_000;
/** A socket's path has 107 bytes at most; its name here has fewer than 40. */
const longestFolderBytes = 65;

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
  /** Default: a minute. */
  readonly stallMs?: number;
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
      const { clock, stallMs = longestStallMs } = options;
      const serving = { ...opening, clock, stallMs, held: { bytes: 0 } };
      const server = createServer((request, response) => {
        const served = serve(serving, request, response).catch(() => {
          response.destroy();
        });
        pending.add(served);
        void served.finally(() => pending.delete(served));
      });
      // Programs wait in an open request for as long as limits make them.
      server.requestTimeout = 0;
      server.timeout = 0;
      server.maxConnections = mostConnections;
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
  readonly stallMs: number;
  /** What the bodies of all its calls hold. */
  readonly held: { bytes: number };
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
  let taken = 0;
  const take = (bytes: number): boolean => {
    const hasRoom =
      taken + bytes <= longestBodyBytes && serving.held.bytes + bytes <= mostHeldBytes;
    // What is not read any more makes room for others.
    const now = hasRoom ? taken + bytes : 0;
    serving.held.bytes += now - taken;
    taken = now;
    return hasRoom;
  };
  try {
    const text = await readBody(request, take);
    if (text === undefined) {
      refuse(413, 'The request is larger than 32 MB, or those of the turn together than 128 MB.');
      return;
    }
    const body = parseObject(text);
    if (body === undefined) {
      refuse(400, 'The request body is not a JSON object.');
      return;
    }
    const incoming = { wire, endpoint, body, headers: passedHeaders(wire, request) };
    const refusal = await answer(serving, incoming, { response, characters: text.length });
    if (refusal === undefined) response.end();
    // Half an answer is with the program: only an end without an end tells it so.
    else if (response.headersSent) response.destroy();
    else refuse(statuses[refusal.code] ?? 400, refusal.message, retryHeaders(refusal));
  } finally {
    serving.held.bytes -= taken;
  }
}

async function answer(
  serving: Serving,
  incoming: IncomingRequest,
  to: { readonly response: ServerResponse; readonly characters: number },
): Promise<GatewayRefusal | undefined> {
  const { response, characters } = to;
  const { clock, stallMs } = serving;
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort(new Error('the program hung up'));
  });
  const sink = sinkOf(response, stallMs);
  return serving.onCall({
    kind: incoming.endpoint.kind,
    characters,
    maxOutputTokens: incoming.wire.maxOutputOf(incoming.body),
    gone: gone.signal,
    ask: (route: CallRoute, question) => forwardCall(incoming, route, { question, sink, clock }),
    hasBegun: () => response.headersSent,
  });
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

/** The answer's way to the program; a program that left, or does not read, does not hold it up. */
function sinkOf(response: ServerResponse, stallMs: number): AnswerSink {
  return {
    begin(headers) {
      if (!response.destroyed) response.writeHead(200, headers);
    },
    async write(piece) {
      if (response.destroyed || response.write(piece)) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => response.destroy(), stallMs);
        const go = (): void => {
          clearTimeout(timer);
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

/** Reads a body; undefined where `take` has no room for it. The rest is read on, so that the program reads the answer. */
async function readBody(
  request: IncomingMessage,
  take: (bytes: number) => boolean,
): Promise<string | undefined> {
  let pieces: Buffer[] | undefined = [];
  for await (const piece of request as AsyncIterable<Buffer>) {
    if (pieces !== undefined && take(piece.length)) pieces.push(piece);
    else pieces = undefined;
  }
  return pieces && Buffer.concat(pieces).toString('utf8');
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
