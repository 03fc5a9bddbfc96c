/**
 * A real API and real workers, as processes of their own, for tests that speak HTTP and the command line to them and
 * kill them. Where PostgreSQL, Redis and Temporal are is the caller's choice (`startSharedAdo`: those of the test run).
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { createApiClient, listAll } from '../../cli/api-client.ts';
import type { ApiClient } from '../../cli/api-client.ts';
import { checkoutRoot, nodeFlags, programPath } from '../../cli/dev/checkout.ts';
import { createLocalApiKey, findCache } from '../../cli/dev/home.ts';
import { findFreePorts, loopback } from '../../cli/dev/ports.ts';
import { answersHttp } from '../../cli/dev/probes.ts';
import { stopSteps } from '../../cli/dev/services/part.ts';
import { followEvents } from '../../cli/follow.ts';
import { tryAgain } from '../../cli/try-again.ts';
import type { Batch, submitBatchSchema } from '../../contracts/batch.schema.ts';
import type { Event } from '../../contracts/event.schema.ts';
import type { Task, submitTaskSchema } from '../../contracts/task.schema.ts';
import { createTestDatabase } from './database.ts';
import { testService } from './environment.ts';
import { createTestNamespace } from './namespace.ts';
import { createServiceFolder, startTestProcess } from './services/test-process.ts';
import type { TestService } from './services/test-process.ts';
import { startTestRedis } from './services/redis.ts';

/** Environment variables. */
export type Variables = Readonly<Record<string, string>>;

/** A platform to be started. */
export interface AdoOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** One worker process for each, with variables of its own. Default: one without. */
  readonly workers?: readonly Variables[];
  /** API processes; all calls go to the first. Default 1. */
  readonly apis?: number;
  /** Variables of all processes, over those that the platform sets. */
  readonly env?: Variables;
  /** Starts a process again that dies, as the supervisor does. */
  readonly revive?: boolean;
  /** Folder of compiled programs, as tools/build.sh makes it. Default: the sources are run. */
  readonly built?: string;
}

/** One process of the platform. */
export interface AdoProcess extends TestService {
  /** Where it listens; of a worker its internal port. */
  readonly url: string;
  /** Its internal port. */
  readonly internalUrl: string;
  /** The last lines of its log. */
  readonly logTail: () => string;
  /** All of its log. */
  readonly log: () => string;
}

type TaskBody = z.input<typeof submitTaskSchema>;
type BatchBody = z.input<typeof submitBatchSchema>;

/** A running platform. */
export interface Ado {
  readonly url: string;
  readonly apiKey: string;
  /** ADO_HOME of all processes. */
  readonly home: string;
  readonly temporal: AdoOptions['temporal'];
  readonly api: AdoProcess;
  readonly apis: readonly AdoProcess[];
  readonly worker: AdoProcess;
  readonly workers: readonly AdoProcess[];
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Starts one more API, with variables over those of the others; nothing calls it by itself. */
  addApi(env: Variables): Promise<AdoProcess>;
  /** Starts one more worker. */
  addWorker(env: Variables): Promise<AdoProcess>;
  readonly client: ApiClient;
  /** Submits, again under the same key while the server is away. */
  submitTask(body: TaskBody, key?: string): Promise<Task>;
  submitBatch(body: BatchBody, key?: string): Promise<Batch>;
  getTask(taskId: string): Promise<Task>;
  getBatch(batchId: string): Promise<Batch>;
  listItems(batchId: string): Promise<Task[]>;
  /** Gives the events of a task or a batch as they come, to its end, over restarts. @throws Error with the logs' ends when it takes too long */
  follow(id: string, timeoutMs: number): AsyncGenerator<Event>;
  /** The events so far of a task or a batch. */
  listEvents(id: string): Promise<Event[]>;
  /** Follows to the end; answers all events. */
  ended(id: string, timeoutMs?: number): Promise<Event[]>;
  /** Follows until an event fits. */
  seen(id: string, fits: (event: Event) => boolean, timeoutMs?: number): Promise<Event>;
  /** How often a crash point has acted. */
  crashes(name: string): number;
  stop(): Promise<void>;
}

/** Answers all processes; when one does not start, the others and those `before` them are ended, as nobody else would. */
async function allOrNone(
  starting: readonly Promise<AdoProcess>[],
  before: readonly AdoProcess[] = [],
): Promise<AdoProcess[]> {
  const settled = await Promise.allSettled(starting);
  const started = settled.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed === undefined) return started;
  for (const one of [...started, ...before]) await one.stop();
  throw failed.reason;
}

/** Starts a platform and waits until all its processes are ready. */
export async function startAdo(options: AdoOptions): Promise<Ado> {
  const home = mkdtempSync(join(tmpdir(), 'ado-test-home-'));
  const apiKey = createLocalApiKey();
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? home,
    LANG: 'C.UTF-8',
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl,
    TEMPORAL_ADDRESS: options.temporal.address,
    TEMPORAL_NAMESPACE: options.temporal.namespace,
    ADO_HOME: home,
    ADO_API_HOST: loopback,
    ADO_BOOTSTRAP_API_KEY: apiKey,
    ADO_SCRIPTED_MODELS: 'true',
    NODE_COMPILE_CACHE: join(findCache(process.env), 'node-compile'),
    ...options.env,
  };
  const apiPorts = await findFreePorts(options.apis ?? 1);
  const start = { env, revive: options.revive ?? false, built: options.built };
  const startWorker = async (own: Variables): Promise<AdoProcess> =>
    startProcess('worker', { ...start, env: { ...env, ...own } });
  const apis = await allOrNone(
    apiPorts.map(async (port) => startProcess('api', { ...start, port })),
  );
  const workers = await allOrNone((options.workers ?? [{}]).map(startWorker), apis);
  const [api] = apis;
  const [worker] = workers;
  if (api === undefined || worker === undefined)
    throw new Error('a platform has an API and a worker');
  const url = `http://${loopback}:${apiPorts[0] ?? 0}`;
  const client = createApiClient(() => ({ url, key: apiKey }));
  const logs = (): string =>
    [...apis, ...workers].map((one, place) => `--- log ${place}\n${one.logTail()}`).join('\n');
  const patiently = async <T>(call: () => Promise<T>): Promise<T> =>
    tryAgain(call, { forMs: 60_000, onRepeat: () => undefined });

  const listItems = async (batchId: string): Promise<Task[]> =>
    patiently(async () =>
      listAll(10_000, async (query) =>
        client.call('get /v1/batches/:batchId/items', { params: { batchId }, query }),
      ),
    );
  const describeOpen = async (batchId: string): Promise<string> => {
    const items = await listItems(batchId).catch(() => []);
    const open = items.filter((item) => item.outcome === undefined);
    return open.map(({ id, status, activity }) => `${id} ${status} ${activity ?? ''}`).join('\n');
  };

  async function* follow(id: string, timeoutMs: number, mayWait = true): AsyncGenerator<Event> {
    const signal = AbortSignal.timeout(timeoutMs);
    const stream = { api: client, id, after: 0, signal, onConnection: () => undefined };
    let last: Event | undefined;
    for await (const event of followEvents({ ...stream, follow: mayWait })) {
      last = event;
      yield event;
    }
    if (!signal.aborted) return;
    const state = id.startsWith('batch-') ? await describeOpen(id) : '';
    throw new Error(
      `${id} took more than ${timeoutMs} ms; its last event: ${JSON.stringify(last)}\n${state}\n${logs()}`,
    );
  }

  return {
    url,
    apiKey,
    home,
    temporal: options.temporal,
    api,
    apis,
    worker,
    workers,
    databaseUrl: options.databaseUrl,
    redisUrl: options.redisUrl,
    addApi: async (own) => {
      const [port] = await findFreePorts(1);
      const added = await startProcess('api', { ...start, env: { ...env, ...own }, port });
      apis.push(added);
      return added;
    },
    addWorker: async (own) => {
      const added = await startWorker(own);
      workers.push(added);
      return added;
    },
    client,
    submitTask: async (body, key = randomUUID()) =>
      patiently(async () => client.call('post /v1/tasks', { body, idempotencyKey: key })),
    submitBatch: async (body, key = randomUUID()) =>
      patiently(async () => client.call('post /v1/batches', { body, idempotencyKey: key })),
    getTask: async (taskId) =>
      patiently(async () => client.call('get /v1/tasks/:taskId', { params: { taskId } })),
    getBatch: async (batchId) =>
      patiently(async () => client.call('get /v1/batches/:batchId', { params: { batchId } })),
    listItems,
    follow,
    listEvents: async (id) => collect(follow(id, 20_000, false)),
    ended: async (id, timeoutMs = 60_000) => collect(follow(id, timeoutMs)),
    seen: async (id, fits, timeoutMs = 30_000) => {
      for await (const event of follow(id, timeoutMs)) if (fits(event)) return event;
      throw new Error(`${id} ended without the event.\n${logs()}`);
    },
    crashes: (name) => countMarkers(join(home, 'crashpoints'), name),
    stop: async () => {
      await Promise.all(workers.map(async (one) => one.stop()));
      await Promise.all(apis.map(async (one) => one.stop()));
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Starts a platform on the test run's own PostgreSQL and Temporal, with a database, a Redis and a namespace of its own. */
export async function startSharedAdo(
  options: Pick<AdoOptions, 'env' | 'built' | 'apis' | 'workers'> = {},
): Promise<Ado> {
  const [database, redis, namespace] = await Promise.all([
    createTestDatabase(),
    startTestRedis(),
    createTestNamespace(),
  ]);
  const ado = await startAdo({
    databaseUrl: database.url,
    redisUrl: redis.url,
    temporal: { address: testService('temporalAddress'), namespace: namespace.name },
    ...options,
  });
  return {
    ...ado,
    stop: async () => {
      await ado.stop();
      await Promise.all([namespace.close(), redis.stop(), database.drop()]);
    },
  };
}

/** Waits until something holds that nothing announces. @throws Error when it does not within the time */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<number> {
  const began = Date.now();
  while (!(await holds())) {
    if (Date.now() - began > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(20);
  }
  return Date.now() - began;
}

async function collect(events: AsyncIterable<Event>): Promise<Event[]> {
  const collected: Event[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

interface StartOptions {
  readonly env: Variables;
  readonly port?: number;
  readonly revive: boolean;
  readonly built: string | undefined;
}

/** Starts one process as the supervisor does, and keeps starting it when it is to be revived. */
async function startProcess(name: 'api' | 'worker', options: StartOptions): Promise<AdoProcess> {
  const folder = createServiceFolder(name);
  const [metricsPort = 0] = await findFreePorts(1);
  const { port, revive, built } = options;
  const program =
    built === undefined
      ? [...nodeFlags(), programPath(`${name}/main`)]
      : [join(built, name, 'main.js')];
  const env = {
    ...options.env,
    ADO_METRICS_PORT: String(metricsPort),
    ...(port === undefined ? {} : { ADO_API_PORT: String(port) }),
  };
  const service = await startTestProcess({
    name,
    folder,
    stopSteps: stopSteps[name],
    prepare: async () => Promise.resolve(),
    command: () => ({ file: process.execPath, args: program, env, cwd: checkoutRoot() }),
    isReady: async () => answersHttp(`http://${loopback}:${port ?? metricsPort}/health/ready`),
  });
  const log = (): string => readFileSync(join(folder, `${name}.log`), 'utf8');
  const alive = revive ? keepAlive(service) : { ...service, letGo: async () => Promise.resolve() };
  return {
    ...alive,
    url: `http://${loopback}:${port ?? metricsPort}`,
    internalUrl: `http://${loopback}:${metricsPort}`,
    log,
    logTail: () => log().split('\n').slice(-15).join('\n'),
    stop: async () => {
      await alive.letGo();
      await service.stop();
    },
  };
}

/** A service that is started again within a moment when it dies, until it is let go. */
export function keepAlive<S extends TestService>(service: S): S & { letGo(): Promise<void> } {
  let isHeld = true;
  /** While a kill is under way nobody else may touch the process. */
  let killing: Promise<void> = Promise.resolve();
  const watch = async (): Promise<void> => {
    while (isHeld) {
      await killing;
      // One that dies before it is ready is started again by the next look.
      if (service.pid() === undefined) await service.restart().catch(() => undefined);
      await delay(50);
    }
  };
  const watching = watch();
  return {
    ...service,
    kill9: async () => {
      killing = service.kill9();
      await killing;
    },
    letGo: async () => {
      isHeld = false;
      await watching;
    },
  };
}

function countMarkers(folder: string, name: string): number {
  try {
    return readdirSync(folder).filter((file) => file.startsWith(`${name}.`)).length;
  } catch {
    return 0;
  }
}
