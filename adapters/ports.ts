/**
 * What the outside world looks like to activities, worker and API: the interfaces that adapters implement. Fakes in
 * tests stand in only here.
 */
export type * from './ports/agents.ts';
export type * from './ports/approvals.ts';
export type * from './ports/account-usage.ts';
export type * from './ports/engine.ts';
export type * from './ports/fleet.ts';
export type * from './ports/gates.ts';
export type * from './ports/gateway.ts';
export type * from './ports/forges.ts';
export type * from './ports/journal.ts';
export * from './ports/limiter.ts';
export type * from './ports/live.ts';
export type * from './ports/model-metrics.ts';
export type * from './ports/money.ts';
export type * from './ports/models.ts';
export type * from './ports/store.ts';
export type * from './ports/tracing.ts';
export type * from './ports/usage.ts';
export type * from './ports/workspaces.ts';

/** Wall clock, injected so that tests decide it. Milliseconds since 1970. */
export interface Clock {
  now(): number;
}

/** Named places where a fault test may kill the process. Nothing happens in production, or when none is armed. */
export const crashPointNames = [
  'api.tx.afterCommit.beforeStart',
  'outbox.afterPublish.beforeMark',
  'slot.afterAcquire.beforeRunning',
  'llm.afterReserve.beforeSend',
  'llm.afterResponse.beforeLedger',
  'llm.afterLedger.beforeReturn',
  'tool.afterExit.beforeSnapshot',
  'git.afterImport.beforeRef',
  'git.afterRef.beforeReturn',
  'deliver.afterPush.beforeRecord',
  'deliver.afterPullRequest.beforeRecord',
  'task.afterFinish.beforeReturn',
] as const;
/** One crash point. */
export type CrashPointName = (typeof crashPointNames)[number];
/** Dies, waits or throws here when the point is armed (`ADO_CRASHPOINTS`); else returns at once. */
export type CrashPoint = (name: CrashPointName) => Promise<void>;
