/** The API on a free port, over fakes of its ports, and a caller that holds every answer against the route table. */
import { noTracing } from '../../../adapters/telemetry/tracing.ts';
import { createHash } from 'node:crypto';
import type { Actor } from '../../../adapters/ports.ts';
import { createApp } from '../../../api/create-app.ts';
import type { ApiDeps, Logger } from '../../../api/deps.ts';
import { startServer } from '../../../api/server.ts';
import { createGateTools } from '../../../adapters/gates/create-gate-tools.ts';
import { AppError } from '../../../contracts/errors.ts';
import { localTenantId } from '../../../contracts/names.ts';
import {
  problemMediaType,
  roleScopes,
  routes,
  type Route,
  type RouteName,
} from '../../../contracts/http.schema.ts';
import { problemSchema, type ProblemDocument } from '../../../contracts/problem.schema.ts';
import { createMemoryLiveChannel } from '../../support/fakes/memory-live-channel.ts';
import { createMemoryTaskStore } from '../../support/fakes/memory-task-store.ts';
import { createMemoryUsageStore } from '../../support/fakes/memory-usage-store.ts';

/** Keys that the API knows, and whom they stand for. */
export const keys = {
  admin: 'ado_test_admin',
  viewer: 'ado_test_viewer',
  stranger: 'ado_test_stranger',
} as const;

const strangerTenantId = '00000000-0000-7000-8000-000000000002';

const actors: Readonly<Record<string, Actor>> = {
  [keys.admin]: actorOf(localTenantId, 'admin'),
  [keys.viewer]: actorOf(localTenantId, 'viewer'),
  [keys.stranger]: actorOf(strangerTenantId, 'admin'),
};

function actorOf(tenantId: string, role: keyof typeof roleScopes): Actor {
  return { tenantId, tenantName: 'test', keyId: role, scopes: roleScopes[role] };
}

/** One line that the API logged. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a call sends. */
export interface Sent {
  readonly key?: string | undefined;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts the API; parts of its world can be replaced. */
export async function startApi(replaced: Partial<ApiDeps> = {}) {
  const store = createMemoryTaskStore();
  const live = createMemoryLiveChannel();
  const stopping = new AbortController();
  const logged: LogLine[] = [];
  const relay = { wakes: 0 };
  const noApproval = async (): Promise<never> => {
    throw new AppError('APPROVAL_NOT_FOUND', 'nobody asked');
  };
  const deps: ApiDeps = {
    store,
    approvals: {
      listApprovals: async () => ({ items: [], nextCursor: null }),
      getApproval: noApproval,
      decideApproval: noApproval,
    },
    live,
    keys: { findActor: async (key) => actors[key], ensureKey: async () => undefined },
    workspaces: {
      resolve: async ({ repository, baseRef, baseCommit }) => {
        if (repository.includes('missing')) {
          throw new AppError('REPOSITORY_NOT_FOUND', `${repository} cannot be reached`);
        }
        if (baseRef === 'nowhere') {
          throw new AppError('REF_NOT_FOUND', `${repository} has no ref ${baseRef}`);
        }
        return { repository, baseCommit: baseCommit ?? commitOf(repository + (baseRef ?? '')) };
      },
      describeCommand: async (command) => ({ files: [], digest: commitOf(command) }),
      readBase: async ({ repository }) =>
        repository.includes('checked')
          ? { paths: ['go.mod', 'a_test.go'], texts: { 'go.mod': '' } }
          : undefined,
    },
    gates: createGateTools(),
    models: {
      routesOf: async (name) => {
        throw new AppError('MODEL_NOT_FOUND', `no provider offers the model "${name}"`);
      },
      isFree: () => true,
      estimateCost: async () => 0,
    },
    toolDefinitions: [],
    usage: createMemoryUsageStore(),
    ledger: { listBudgets: async () => [] },
    budgets: {
      maxDailyCostMicroUsd: 50_000_000,
      maxTenantCostMicroUsd: undefined,
      timeZone: 'UTC',
    },
    priceStore: {
      record: async () => ({ recorded: 0, unchanged: 0 }),
      list: async () => [],
    },
    prices: {
      priceOf: async () => ({
        id: 'unknown',
        rates: {},
        contextTiers: [],
        divisor: 1,
        ceiling: {},
      }),
    },
    providers: {
      accounts: [],
      file: '/etc/ado/providers.yaml',
      usage: {
        listUsedToday: async () => [],
        listUsedModels: async () => [],
        listWaiting: async () => [],
      },
      lookAt: async () => [],
      checks: {
        testAccount: async () => {
          throw new AppError('ENGINE_UNAVAILABLE', 'no account is tested here');
        },
        listCredentials: async () => undefined,
      },
      timeZone: 'UTC',
    },
    publisher: {
      publish: async () => ({
        ok: false,
        errorCode: 'WORKERS_MISSING',
        error: 'nobody works here',
      }),
    },
    fleet: { listWorkers: async () => [], lookAtPools: async () => [] },
    wakeRelay: () => {
      relay.wakes += 1;
    },
    crashPoint: async () => undefined,
    clock: { now: Date.now },
    log: loggerInto(logged),
    checkSandbox: async () => undefined,
    allowUnsandboxed: false,
    readOnly: false,
    confirmAboveCostMicroUsd: 1_000_000,
    dependencies: [],
    tracing: noTracing,
    metrics: {
      httpAnswered: () => undefined,
      sseClientsChanged: () => undefined,
      approvalMoved: () => undefined,
    },
    temporalUiUrl: undefined,
    version: '0.0.0-test',
    stopping: stopping.signal,
    streams: { lookMs: 20, gapMs: 0, heartbeatMs: 10_000, stalledMs: 5_000 },
    ...replaced,
  };
  const server = await startServer(createApp(deps), { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${server.port}`;

  const send = (name: RouteName, sent: Sent = {}): Promise<Response> => {
    const route: Route = routes[name];
    const path = route.path.replace(
      /:(\w+)/g,
      (_place, param: string) => sent.params?.[param] ?? '',
    );
    const query = sent.query === undefined ? '' : `?${new URLSearchParams(sent.query).toString()}`;
    const key = 'key' in sent ? sent.key : keys.admin;
    return fetch(`${url}${path}${query}`, {
      method: route.method.toUpperCase(),
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(sent.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...sent.headers,
      },
      ...(sent.body === undefined
        ? {}
        : { body: typeof sent.body === 'string' ? sent.body : JSON.stringify(sent.body) }),
    });
  };

  return {
    url,
    store,
    live,
    logged,
    relay,
    send,
    /** Calls a route that must succeed; its answer has exactly the fields of its schema. */
    async call<Name extends RouteName>(name: Name, sent?: Sent) {
      const response = await send(name, sent);
      const answer: unknown = await response.json();
      expect([response.status, answer]).toEqual([routes[name].status, expect.anything()]);
      const parsed = routes[name].response.parse(answer);
      expect(parsed).toEqual(answer);
      return parsed as ReturnType<(typeof routes)[Name]['response']['parse']>;
    },
    /** Calls a route that must fail, with a code that the table lists or every route may have. */
    async refuse(name: RouteName, sent?: Sent): Promise<ProblemDocument> {
      return readProblem(await send(name, sent));
    },
    /** Ends open streams, then the server. */
    async stop(graceMs = 1_000) {
      stopping.abort();
      await server.close(graceMs);
    },
  };
}

/** A running API of a test. */
export type TestApi = Awaited<ReturnType<typeof startApi>>;

/** Reads a problem document, and holds it against its schema and its own status. */
export async function readProblem(response: Response): Promise<ProblemDocument> {
  expect(response.headers.get('content-type')).toContain(problemMediaType);
  const answer: unknown = await response.json();
  const problem = problemSchema.strict().parse(answer);
  expect(problem.status).toBe(response.status);
  expect(problem.requestId).toBe(response.headers.get('x-request-id'));
  return problem;
}

/** A task that can be submitted. */
export function aTask(change: object = {}) {
  return {
    prompt: 'Fix the typo',
    repository: '/repos/one',
    agent: 'command',
    exec: 'true',
    ...change,
  };
}

/** A batch over the repositories given, that can be submitted. */
export function aBatch(repositories: readonly string[], change: object = {}) {
  const items = repositories.map((repository) => ({ repository }));
  return { prompt: 'Fix the typo', agent: 'command', exec: 'true', items, ...change };
}

function commitOf(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

function loggerInto(lines: LogLine[]): Logger {
  const at = (level: LogLine['level']) => (fields: object, event: string) =>
    void lines.push({ level, event, fields: { ...fields } });
  return { info: at('info'), warn: at('warn'), error: at('error') };
}
