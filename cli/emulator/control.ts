/** The emulator's own endpoint, /_emulator/…: its log, its counts, and changes while it runs. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { parseYamlFile } from '../../config/yaml-file.ts';
import type { Problem } from '../../contracts/errors.ts';
import { AppError, codeOf } from '../../contracts/errors.ts';
import type { AccountLimits } from './account-limits.ts';
import type { CallLog } from './call-log.ts';
import { limitsSchema, parseScript } from './script.ts';
import type { Script } from './script.ts';
import { accountOf } from './incoming-call.ts';

/** What the endpoint works on. */
export interface ControlDeps {
  readonly log: CallLog;
  readonly limits: AccountLimits;
  readonly useScript: (script: Script) => void;
  readonly nowMs: () => number;
}

/** Where the endpoint lives. */
export const controlPrefix = '/_emulator/';

const { requests, inputTokens, outputTokens, tokens, concurrency } = limitsSchema.shape;
const changeSchema = z.strictObject({
  key: z.string().min(1).optional(),
  requests: requests.nullable(),
  inputTokens: inputTokens.nullable(),
  outputTokens: outputTokens.nullable(),
  tokens: tokens.nullable(),
  concurrency: concurrency.nullable(),
});

/** Serves a request under the prefix. What does not fit is answered with 400 and every problem with line and key. */
export async function serveControl(
  deps: ControlDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0] ?? '';
  const handler = handlers[`${request.method ?? ''} ${path.slice(controlPrefix.length)}`];
  if (handler === undefined) {
    const known = Object.keys(handlers).map((line) => line.replace(' ', ` ${controlPrefix}`));
    answer(response, 404, { message: `No such endpoint. There are: ${known.join(', ')}.` });
    return;
  }
  try {
    answer(response, 200, await handler(deps, await readText(request)));
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    const problems: readonly Problem[] = error instanceof AppError ? error.problems : [];
    answer(response, 400, { code, message: error.message, problems });
  }
}

type Handler = (deps: ControlDeps, body: string) => unknown;

const handlers: Readonly<Record<string, Handler>> = {
  'GET log': async ({ log }) => {
    const lines = await log.lines();
    return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  },
  'GET counts': ({ log }) => log.counts(),
  'GET limits': ({ limits, nowMs }) => listAccounts(limits, nowMs()),
  'POST limits': ({ limits, nowMs }, body) => {
    const { key, ...change } = parseYamlFile(
      { path: 'limits', text: body, variables: {} },
      changeSchema,
    );
    limits.change(change, key);
    return listAccounts(limits, nowMs());
  },
  'POST script': ({ useScript }, body) => {
    const script = parseScript('script', body);
    useScript(script);
    return { answers: script.answers.length, faults: script.faults.length };
  },
};

/** Accounts by their hash: whoever may read this need not learn keys. */
function listAccounts(limits: AccountLimits, nowMs: number): object[] {
  return limits.list(nowMs).map(({ key, ...state }) => ({ account: accountOf(key), ...state }));
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const type = typeof body === 'string' ? 'application/jsonl' : 'application/json';
  response.writeHead(status, { 'content-type': type });
  response.end(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);
}
