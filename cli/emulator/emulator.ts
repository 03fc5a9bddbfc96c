/**
 * The provider emulator: one HTTP server that speaks as the vendors of models do, enforces limits, misbehaves on
 * request, and keeps its own record of what was asked and billed. docs/emulator.md describes it.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../contracts/errors.ts';
import { findPortHolder, loopback } from '../dev/ports.ts';
import { AccountLimits } from './account-limits.ts';
import type { LimitsChange } from './account-limits.ts';
import { CallLog } from './call-log.ts';
import type { CallLine, Counts } from './call-log.ts';
import { controlPrefix, serveControl } from './control.ts';
import { answerModelList } from './model-lists.ts';
import { anthropic } from './formats/anthropic.ts';
import { gemini } from './formats/gemini.ts';
import { openAiChat } from './formats/openai-chat.ts';
import { openAiResponses } from './formats/openai-responses.ts';
import { ScriptRunner } from './script-runner.ts';
import { emptyScript } from './script.ts';
import type { Script } from './script.ts';
import { serveCall, serveTokenCount } from './serve-call.ts';
import type { CallDeps } from './serve-call.ts';

/** How an emulator is started. */
export interface EmulatorOptions {
  /** 0 takes any that is free. */
  readonly port: number;
  /** Default: no limits, invented answers. */
  readonly script?: Script | undefined;
  /** Is given each line of the log as JSON, without a line break. */
  readonly write?: ((line: string) => void) | undefined;
}

/** A running emulator. All that can be done here can be done over /_emulator/ too. */
export interface Emulator {
  /** Without a slash at the end. Clients need `/v1` behind it, those of Gemini `/v1beta`. */
  readonly url: string;
  readonly port: number;
  /** A line for each call that ended. A client that has its answer finds its call here. */
  readonly lines: () => Promise<readonly CallLine[]>;
  readonly counts: () => Promise<Counts>;
  /** Plays another script from here on. What was used of limits stays used. */
  readonly useScript: (script: Script) => void;
  /** Changes limits, of the account of an API key or of all; null takes one away. */
  readonly changeLimits: (change: LimitsChange, key?: string) => void;
  /** Stops it; open connections are dropped. */
  readonly close: () => Promise<void>;
}

const formats = [anthropic, openAiResponses, openAiChat, gemini];

/** Starts an emulator on the loopback address. @throws PORT_TAKEN */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const runner = new ScriptRunner();
  const limits = new AccountLimits();
  const log = new CallLog(options.write);
  const nowMs = (): number => performance.timeOrigin + performance.now();
  const useScript = (script: Script): void => {
    runner.script = script;
    limits.use(script);
  };
  useScript(options.script ?? emptyScript);
  const calls: CallDeps = { runner, limits, log, lastReplies: new Map(), nowMs };

  const server = createServer((request, response) => {
    // Errors of a connection that is gone; whoever writes to it finds out by its state.
    response.on('error', () => undefined);
    const url = new URL(request.url ?? '/', `http://${loopback}`);
    const serving = url.pathname.startsWith(controlPrefix)
      ? serveControl({ log, limits, useScript, nowMs }, request, response)
      : serveModel(calls, { request, response, url });
    serving.catch((error: unknown) => {
      // A defect: whoever waits for the answer must not wait for ever.
      console.error(error);
      response.destroy();
    });
  });
  // A connection that is closed while a client takes it up again would look like a fault that nobody asked for.
  server.keepAliveTimeout = 600_000;
  await listen(server, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${loopback}:${port}`,
    port,
    lines: () => log.lines(),
    counts: () => log.counts(),
    useScript,
    changeLimits: (change, key) => limits.change(change, key),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

interface Request {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

async function serveModel(deps: CallDeps, { request, response, url }: Request): Promise<void> {
  for (const format of formats) {
    const endpoint = request.method === 'POST' ? format.findEndpoint(url.pathname) : undefined;
    if (endpoint === undefined) continue;
    const serve = endpoint.kind === 'answer' ? serveCall : serveTokenCount;
    const key = format.findKey(request.headers, url.searchParams) ?? '';
    return serve(deps, { request, response, format, endpoint, key });
  }
  const asked = { path: url.pathname, headers: request.headers, query: url.searchParams };
  const list = request.method === 'GET' ? answerModelList(deps.runner.script, asked) : undefined;
  if (list !== undefined) {
    response.writeHead(list.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(list.body));
    return;
  }
  response.writeHead(404, { 'content-type': 'application/json' });
  const message = `The emulator has no ${request.method ?? ''} ${url.pathname}.`;
  response.end(JSON.stringify({ error: { type: 'not_found_error', message } }));
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portTaken(port) : error),
    );
    server.listen({ port, host: loopback, exclusive: true }, resolve);
  });
}

function portTaken(port: number): AppError {
  const holder = findPortHolder(port);
  const who = holder === undefined ? 'another program' : `${holder.program} (pid ${holder.pid})`;
  return new AppError(
    'PORT_TAKEN',
    `Port ${port} is in use by ${who}. Stop it, or name another one; --port 0 takes any that is free.`,
  );
}
