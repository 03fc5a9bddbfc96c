/**
 * What does ado add to a model call? The path of a call (price, limits, money held, client, money booked) against the
 * emulator, and beside it the client alone, in the same process. What a task's journal writes with each answer is not part
 * of it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { askClient } from '../activities/ask-client.ts';
import { buyAnswer } from '../activities/buy-answer.ts';
import type { ActivityDeps } from '../activities/deps.ts';
import { charactersOf, createCallEstimates } from '../activities/estimate-call.ts';
import type { TaskSession } from '../activities/task-session.ts';
import { collectStream } from '../adapters/models/collect-stream.ts';
import { createModels } from '../adapters/models/create-models.ts';
import { createLimitScopes } from '../adapters/models/limit-scopes.ts';
import { createPrices } from '../adapters/models/prices.ts';
import type { CallRoute } from '../adapters/ports.ts';
import { createLedger } from '../adapters/postgres/ledger.ts';
import { createPriceStore } from '../adapters/postgres/price-store.ts';
import { createDatabase } from '../adapters/postgres/tenant-transaction.ts';
import { createLimiterRedis } from '../adapters/redis/client.ts';
import { createResilientLimiter } from '../adapters/redis/resilient-limiter.ts';
import { measureLimiter } from '../adapters/telemetry/measured-limiter.ts';
import { createMetrics } from '../adapters/telemetry/metrics.ts';
import { nodeFlags, programPath } from '../cli/dev/checkout.ts';
import { loadProviderAccounts } from '../config/providers-config.ts';
import { localTenantId } from '../contracts/names.ts';
import type { Platform } from './support/platform.ts';
import {
  atLeast,
  atMost,
  round,
  told,
  type Answer,
  type Bench,
  type Question,
} from './support/question.ts';
import { createRepositories } from './support/repositories.ts';
import { median, percentile } from './support/statistics.ts';

const calls = 600;
const inFlight = 8;
const silent = { warn: () => undefined, info: () => undefined };
const clock = { now: () => Date.now() };

/** One way of calling a model. */
type Way = () => Promise<unknown>;

/** Figures of one round. */
interface Round {
  /** Of this process, for a call. */
  readonly cpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The question. */
export const modelCall: Question = {
  name: 'model-call',
  title: 'A model call',
  ask: async ({ platform, rounds, say }: Bench): Promise<Answer> => {
    const emulator = await startEmulatorProcess();
    const world = await openWorld(platform, emulator.url);
    try {
      const ways = { ado: world.ado, client: world.client };
      const measured = { ado: [] as Round[], client: [] as Round[] };
      for (const way of Object.values(ways)) for (let call = 0; call < 100; call += 1) await way();
      for (let turn = 0; turn < rounds; turn += 1) {
        for (const name of ['client', 'ado'] as const)
          measured[name].push(await measure(ways[name]));
        say(`round ${turn + 1} of ${rounds}`);
      }
      return toAnswer(measured);
    } finally {
      await world.close();
      await emulator.stop();
    }
  },
};

async function measure(way: Way): Promise<Round> {
  let left = calls;
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left > 0) {
        left -= 1;
        await way();
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  const timesMs: number[] = [];
  for (let call = 0; call < 200; call += 1) {
    const asked = performance.now();
    await way();
    timesMs.push(performance.now() - asked);
  }
  return {
    cpuMs: (user + system) / 1_000 / calls,
    p50Ms: percentile(timesMs, 0.5),
    p99Ms: percentile(timesMs, 0.99),
  };
}

/** The emulator as its users start it. */
async function startEmulatorProcess(): Promise<{ url: string; stop: () => Promise<void> }> {
  const child = spawn(
    process.execPath,
    [...nodeFlags(), programPath('cli/main'), 'emulator', '--port', '0', '-o', 'json'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  const { url } = JSON.parse(line) as { url: string };
  return {
    url,
    stop: async () => {
      child.kill('SIGINT');
      await once(child, 'exit');
    },
  };
}

/** All that a call needs, made as a worker makes it. */
async function openWorld(platform: Platform, emulatorUrl: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ado-bench-model-call-'));
  const path = join(folder, 'providers.yaml');
  writeFileSync(join(folder, 'key'), 'sk-bench');
  const limit = (charge: string): string => `{ charge: ${charge}, limit: 1000000000, per: minute }`;
  writeFileSync(
    path,
    `accounts:
  - name: paid
    provider: anthropic
    access: api
    baseUrl: ${emulatorUrl}/v1
    credential: { file: key }
    limits: [${['requests', 'uncached_input', 'output_actual'].map(limit).join(', ')}]
    maxConcurrent: 1000
    tenantShare: 1
`,
  );
  const store = createDatabase(platform.postgres.url, 10);
  const redis = createLimiterRedis(platform.redis.url, silent);
  const limiter = createResilientLimiter({ redis, clock, workerId: 'bench', log: silent });
  await limiter.start();
  const metrics = createMetrics();
  const prices = createPrices({ overrides: createPriceStore(store), clock, metrics });
  const accounts = loadProviderAccounts({ path, required: true });
  const ledger = createLedger(store);
  const models = createModels({ scriptedModels: false, accounts, clock, prices });
  const deps = {
    models,
    limiter: measureLimiter(limiter, metrics),
    limitScopes: createLimitScopes(() => Promise.resolve(0)),
    ledger,
    money: {
      maxDailyCostMicroUsd: 1e12,
      maxTenantCostMicroUsd: undefined,
      timeZone: 'UTC',
    },
    estimates: createCallEstimates(),
    collectStream,
    metrics,
    crashpoint: () => Promise.resolve(),
    clock,
  } as unknown as ActivityDeps;
  const [route] = await models.routesOf('paid:claude-sonnet-4-5');
  const session = await aSession(platform);
  let count = 0;
  return {
    ado: async () => {
      count += 1;
      const call = {
        effectId: `bench-${count}`,
        characters: charactersOf(options),
        ask: askClient({ collectStream }, options, () => undefined),
        timeoutMs: () => 60_000,
        purchase: { number: 0, lost: 0 },
      };
      const ask = () => buyAnswer(deps, session, { call, route, horizonMs: 300_000 });
      let attempted = await ask();
      // Limits that Redis does not know begin empty: the very first call has to wait.
      while (attempted.kind === 'later') attempted = await ask();
      if (attempted.kind !== 'answered') throw new Error(JSON.stringify(attempted));
      const { callId = '', costMicroUsd, settleLimits } = attempted;
      await ledger.settle(localTenantId, callId, costMicroUsd);
      await settleLimits();
    },
    client: () => askBare(route),
    close: async () => {
      limiter.close();
      redis.disconnect();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function askBare({ model }: CallRoute): Promise<unknown> {
  const signal = AbortSignal.any([new AbortController().signal, AbortSignal.timeout(60_000)]);
  const { stream } = await model.doStream({
    ...options,
    maxOutputTokens: 16_384,
    abortSignal: signal,
  });
  return collectStream(stream);
}

/** A conversation of ten turns, with a tool. */
const options: LanguageModelV4CallOptions = {
  prompt: [
    { role: 'system', content: 'You are a software engineer. '.repeat(20) },
    ...Array.from({ length: 10 }, (_, turn) => [
      {
        role: 'user' as const,
        content: [{ type: 'text' as const, text: `Question ${turn}. `.repeat(10) }],
      },
      {
        role: 'assistant' as const,
        content: [{ type: 'text' as const, text: `Answer ${turn}. `.repeat(10) }],
      },
    ]).flat(),
    { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
  ],
  tools: [
    {
      type: 'function',
      name: 'read_file',
      description: 'Reads a file.',
      inputSchema: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    },
  ],
};

/** A session of a task that is in the database, as purchases belong to one. */
async function aSession({ ado }: Platform): Promise<TaskSession> {
  const repositories = createRepositories(1);
  const [repository = ''] = repositories.paths;
  const body = { prompt: 'model calls', repository, agent: 'command', exec: 'true' } as const;
  const { id } = await ado.client.call('post /v1/tasks', { body });
  repositories.remove();
  const task = {
    ref: { tenantId: localTenantId, taskId: id, attempt: 1 },
    costMicroUsd: 0,
    maxCostMicroUsd: 1e12,
    confirmedCostMicroUsd: 1e12,
    costRefused: false,
    priority: 3,
    cachedTokens: 0,
  };
  const waited = { isWaiting: () => false };
  return { task, waited, signal: new AbortController().signal } as unknown as TaskSession;
}

function toAnswer(measured: Readonly<Record<'ado' | 'client', readonly Round[]>>): Answer {
  const of = (name: 'ado' | 'client', figure: keyof Round): number =>
    median(measured[name].map((turn) => turn[figure]));
  const cpuMs = of('ado', 'cpuMs');
  return {
    figures: [
      atMost('CPU of a call, client included', cpuMs, { limit: 1.5, unit: ' ms' }),
      atLeast('calls a second of one core', 1_000 / cpuMs, { limit: 400, unit: '' }),
      atMost('added to a call, p99', of('ado', 'p99Ms') - of('client', 'p50Ms'), {
        limit: 3,
        unit: ' ms',
      }),
      told('CPU of the client alone', `${round(of('client', 'cpuMs'))} ms`),
      told(
        'one at a time, p50',
        `${round(of('ado', 'p50Ms'))} ms, client ${round(of('client', 'p50Ms'))} ms`,
      ),
    ],
    notes: [
      `A conversation of ten turns; CPU with ${inFlight} in flight, ${calls} calls a round. PostgreSQL, Redis and the emulator are other processes.`,
    ],
  };
}
