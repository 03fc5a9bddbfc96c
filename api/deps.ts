/** What the API is given: ports, clock, and a few answers of the machine it runs on. */
import type { LimitLooks } from '../adapters/models/limit-looks.ts';
import type {
  ApprovalStore,
  AccountChecks,
  AccountUsage,
  AgentTools,
  Clock,
  CrashPoint,
  GateTools,
  KeyStore,
  Ledger,
  LiveChannel,
  ModelProvider,
  Prices,
  PriceStore,
  Publisher,
  TaskStore,
  Tracing,
  UsageStore,
  Workspaces,
} from '../adapters/ports.ts';
import type { Metrics } from '../adapters/telemetry/metrics.ts';
import type { ProviderAccount } from '../config/providers-config.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { PoolState, Worker } from '../contracts/fleet.schema.ts';

/** Where the API writes its log lines: fields first, then one event name. */
export interface Logger {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

/** Something that the API cannot work without. */
export interface Dependency {
  /** The code that `/health/ready` answers with while it is gone. */
  readonly code: Extract<
    ErrorCode,
    'SERVER_STOPPING' | 'STORE_UNAVAILABLE' | 'LIMITER_UNAVAILABLE' | 'ENGINE_UNAVAILABLE'
  >;
  isReady(): Promise<boolean>;
}

/** What bounds the spending of a tenant. */
export interface BudgetLimits {
  readonly maxDailyCostMicroUsd: number;
  /** Undefined: no bound. */
  readonly maxTenantCostMicroUsd: number | undefined;
  /** Where days begin. */
  readonly timeZone: string;
}

/** What the routes of accounts and limits are given. */
export interface ProvidersDeps {
  readonly accounts: readonly ProviderAccount[];
  /** The file that they were read from, or are expected in. */
  readonly file: string;
  readonly usage: AccountUsage;
  readonly lookAt: LimitLooks;
  readonly checks: AccountChecks;
  /** Where the days of budgets begin. */
  readonly timeZone: string;
}

/** What the routes of workers and pools are given. */
export interface FleetDeps {
  readonly listWorkers: () => Promise<readonly Worker[]>;
  /** Shared by all who ask within a second. */
  readonly lookAtPools: () => Promise<readonly PoolState[]>;
}

/** Everything that routes and use cases are given. */
export interface ApiDeps {
  readonly store: TaskStore;
  readonly approvals: ApprovalStore;
  readonly keys: KeyStore;
  readonly workspaces: Pick<Workspaces, 'resolve' | 'describeCommand' | 'readBase'>;
  readonly gates: Pick<GateTools, 'manifests' | 'detect'>;
  readonly models: Pick<ModelProvider, 'routesOf' | 'isFree' | 'estimateCost'>;
  /** What every call of the builtin agent names. */
  readonly toolDefinitions: AgentTools['definitions'];
  readonly usage: UsageStore;
  readonly ledger: Pick<Ledger, 'listBudgets'>;
  readonly budgets: BudgetLimits;
  readonly priceStore: PriceStore;
  readonly prices: Pick<Prices, 'priceOf'>;
  readonly providers: ProvidersDeps;
  readonly fleet: FleetDeps;
  readonly publisher: Publisher;
  readonly live: LiveChannel;
  /** Asks the outbox relay to look now. */
  readonly wakeRelay: () => void;
  readonly crashPoint: CrashPoint;
  readonly clock: Clock;
  readonly log: Logger;
  /** Rejects with SANDBOX_UNAVAILABLE when bubblewrap does not work here. */
  readonly checkSandbox: () => Promise<void>;
  readonly allowUnsandboxed: boolean;
  /** Whether every call that may change something is refused. */
  readonly readOnly: boolean;
  /** Spending of a task up to which nobody is asked, unless its request says otherwise. */
  readonly confirmAboveCostMicroUsd: number;
  /** In the order in which `/health/ready` names them. */
  readonly dependencies: readonly Dependency[];
  readonly metrics: Pick<Metrics, 'httpAnswered' | 'sseClientsChanged' | 'approvalMoved'>;
  readonly tracing: Pick<Tracing, 'startSpan'>;
  readonly temporalUiUrl: string | undefined;
  readonly version: string;
  /** Aborted when the server stops: streams end then. */
  readonly stopping: AbortSignal;
  readonly streams: StreamTiming;
}

/** How often an event stream does what. */
export interface StreamTiming {
  /** The longest time between two looks at the store: a lost wake-up costs no more than this. */
  readonly lookMs: number;
  /** The shortest time between two looks of one reader: news that come closer together share one. */
  readonly gapMs: number;
  /** Silence after which a comment keeps proxies from closing the connection. */
  readonly heartbeatMs: number;
  /** Time that a reader gets to take what was sent; then its connection is closed. */
  readonly stalledMs: number;
}

/**
 * The timing of production. Proxies commonly close after 30–60 s of silence. Nobody sees a gap of 25 ms, and a batch that
 * starts and ends 20 items a second is looked at 40 times a second at most.
 */
export const streamTiming: StreamTiming = {
  lookMs: 1_000,
  gapMs: 25,
  heartbeatMs: 15_000,
  stalledMs: 60_000,
};
