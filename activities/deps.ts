/** The world that activities are given. */
import type {
  AccountTester,
  AgentTools,
  ApprovalJournal,
  BatchJournal,
  Clock,
  CodingAgents,
  CrashPoint,
  GateTools,
  Forges,
  Ledger,
  LiveChannel,
  ModelCallMetrics,
  ModelGateway,
  ModelProvider,
  RateLimiter,
  SlotLeases,
  TaskJournal,
  Workspaces,
} from '../adapters/ports.ts';
import type { ApprovalKind } from '../contracts/approval.ts';
import type { collectStream } from '../adapters/models/collect-stream.ts';
import type { LimitScopes } from '../adapters/models/limit-scopes.ts';
import type { CallEstimates } from './estimate-call.ts';

/** What happened, for metrics; each is set by exactly one activity. */
export interface ActivityMetrics extends Omit<
  ModelCallMetrics,
  'limitDecided' | 'limiterAsked' | 'limiterBecame'
> {
  slotTaken(waitedMs: number): void;
  stepFinished(kind: string, ok: boolean, durationMs: number): void;
  taskEnded(status: string): void;
  approvalMoved(kind: ApprovalKind, move: 'pending' | 'reminded' | 'expired'): void;
}

/** Everything that activities use. */
export interface ActivityDeps {
  readonly journal: TaskJournal;
  readonly batches: BatchJournal;
  readonly approvals: ApprovalJournal;
  readonly workspaces: Workspaces;
  readonly forges: Forges;
  readonly slots: SlotLeases;
  readonly live: LiveChannel;
  readonly models: ModelProvider;
  readonly limiter: RateLimiter;
  readonly limitScopes: LimitScopes;
  readonly ledger: Ledger;
  /** What tenants may spend. */
  readonly money: {
    readonly maxDailyCostMicroUsd: number;
    readonly maxTenantCostMicroUsd: number | undefined;
    /** Where days begin. */
    readonly timeZone: string;
  };
  /** What calls of each model used so far. */
  readonly estimates: CallEstimates;
  readonly accounts: AccountTester;
  readonly tools: AgentTools;
  readonly gates: GateTools;
  /** The agents that are programs of others. */
  readonly agents: CodingAgents;
  /** By which their calls come out of the sandbox. */
  readonly gateway: ModelGateway;
  /** Reduces a model's stream to the message, usage and finish reason. */
  readonly collectStream: typeof collectStream;
  readonly metrics: ActivityMetrics;
  readonly crashpoint: CrashPoint;
  readonly clock: Clock;
  /** Whether this process serves the models pool: then turns ask their models themselves. */
  readonly asksModels: boolean;
  /** Queue of this host of the agents pool. */
  readonly hostQueue: string;
  readonly hostId: string;
  /** Tasks of one tenant that may run at once. */
  readonly tenantRunningMax: number;
}
