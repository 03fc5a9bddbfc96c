/** The report of a batch: what came of every item, put together once and then written in one of several forms. */
import type { Batch } from '../../contracts/batch.schema.ts';
import type { Step } from '../../contracts/step.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import type { Check } from '../steps/checks.ts';

/** Changes with every change of a report's JSON that could break a reader. */
export const reportVersion = 1;

/** All that a report tells. */
export interface Report {
  readonly schemaVersion: typeof reportVersion;
  readonly writtenAt: string;
  readonly batch: Batch;
  /** The dearest first. */
  readonly models: readonly ModelCost[];
  /** In the order of the batch. */
  readonly items: readonly ReportItem[];
}

/** What the calls of a model cost. */
export interface ModelCost {
  /** `<provider>:<model>`. */
  readonly model: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costMicroUsd: number;
}

/** One item of a report. */
export interface ReportItem {
  readonly task: Task;
  readonly checks: readonly Check[];
  readonly steps: readonly Step[];
  /** The whole change; empty when it is not kept. Taken apart only where it is written: all together may be large. */
  readonly patch: string;
  /** The change was longer than what is kept. */
  readonly isCut?: true;
}

/** What became of an item, in the words that a reader filters by. */
export type ItemGroup = 'failed' | 'open' | 'stopped' | 'succeeded';

/** The groups in the order in which they need somebody's eyes. */
export const itemGroups: readonly ItemGroup[] = ['failed', 'open', 'stopped', 'succeeded'];

/** The group of an item. `open` has not ended, `stopped` was cancelled or skipped. */
export function groupOf(task: Task): ItemGroup {
  switch (task.status) {
    case 'succeeded':
    case 'failed':
      return task.status;
    case 'cancelled':
      return 'stopped';
    case 'queued':
    case 'running':
    case 'awaiting_approval':
    case 'paused':
      return 'open';
  }
}

/** Items by group, in each group by class of failure and then in the order of the batch: alike ones stand together. */
export function failuresFirst(items: readonly ReportItem[]): ReportItem[] {
  const rank = ({ task }: ReportItem): readonly [number, string] => [
    itemGroups.indexOf(groupOf(task)),
    `${task.failureClass ?? ''} ${task.errorCode ?? ''}`,
  ];
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .sort((one, other) => one.rank[0] - other.rank[0] || compare(one.rank[1], other.rank[1]))
    .map(({ item }) => item);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** How long an item worked, in milliseconds; undefined before it began. */
export function workTimeOf(task: Task, nowMs: number): number | undefined {
  const span = spanOf(task, nowMs);
  return span === undefined ? undefined : span.toMs - span.fromMs;
}

/** When an item worked. */
export function spanOf(
  { startedAt, endedAt }: Pick<Task, 'startedAt' | 'endedAt'>,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } | undefined {
  if (startedAt === undefined) return undefined;
  const fromMs = Date.parse(startedAt);
  return { fromMs, toMs: Math.max(fromMs, endedAt === undefined ? nowMs : Date.parse(endedAt)) };
}

/** Failures that have the same cause as far as their code tells, the most frequent first. */
export interface FailureKind {
  /** Class and code: `gate GATE_FAILED`. */
  readonly title: string;
  readonly count: number;
  /** The message of one of them. */
  readonly example: string;
}

/** Counts failures by class and code. */
export function listFailureKinds(items: readonly ReportItem[]): FailureKind[] {
  const kinds = new Map<string, FailureKind>();
  for (const { task } of items) {
    if (groupOf(task) !== 'failed') continue;
    const title = failureTitle(task);
    const { count = 0, example = task.error ?? '' } = kinds.get(title) ?? {};
    kinds.set(title, { title, count: count + 1, example });
  }
  return [...kinds.values()].sort((one, other) => other.count - one.count);
}

/** Class and code of a failure. */
export function failureTitle({ failureClass, errorCode, reason }: Task): string {
  const words = [failureClass, errorCode ?? reason].filter((word) => word !== undefined);
  return words.join(' ') || 'unknown';
}

/** Sums over all items. */
export interface ReportSums {
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
  /** Time that items worked, added up: what it would have taken one after the other. */
  readonly workMs: number;
  readonly changed: number;
}

/** Adds items up. */
export function sumItems(items: readonly ReportItem[], nowMs: number): ReportSums {
  const sums = { files: 0, insertions: 0, deletions: 0, workMs: 0, changed: 0 };
  for (const { task } of items) {
    const { diffStat } = task;
    sums.files += diffStat?.files ?? 0;
    sums.insertions += diffStat?.insertions ?? 0;
    sums.deletions += diffStat?.deletions ?? 0;
    sums.workMs += workTimeOf(task, nowMs) ?? 0;
    if ((diffStat?.files ?? 0) > 0) sums.changed += 1;
  }
  return sums;
}
