/** What is left of a batch after everything that happened to it. */
import { join } from 'node:path';
import { existsSync, readdirSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import type { Event } from '../../contracts/event.schema.ts';
import type { Ado } from '../support/ado-platform.ts';
import { countCommits, deliveredBranches, fsck, staleLocks } from '../support/repositories.ts';

/** The figures of a batch whose every item should have delivered one commit. */
export interface BatchOutcome {
  /** Items without a succeeded result, or without a branch. */
  readonly lost: number;
  /** Branches and commits beyond one for each repository, and items that ended or started twice. */
  readonly duplicates: number;
  /** Repositories and mirrors that `git fsck --strict` objects to. */
  readonly unsound: number;
  readonly staleLocks: number;
}

/** Counts it. The commands must have changed every repository. */
export async function batchOutcome(
  ado: Ado,
  batchId: string,
  repositories: readonly string[],
): Promise<BatchOutcome> {
  const [items, events] = [await ado.listItems(batchId), await ado.listEvents(batchId)];
  const succeeded = items.filter((item) => item.outcome === 'succeeded').length;
  const branches = repositories.map(deliveredBranches);
  const commits = repositories.map((repository, place) =>
    (branches[place] ?? []).reduce((sum, branch) => sum + countCommits(repository, branch), 0),
  );
  // Not there where every worker has a home of its own.
  const mirrors = join(ado.home, 'mirrors');
  const mirrored = existsSync(mirrors) ? readdirSync(mirrors) : [];
  const places = [...repositories, ...mirrored.map((name) => join(mirrors, name))];
  return {
    lost: repositories.length - Math.min(succeeded, commits.filter((count) => count > 0).length),
    duplicates:
      sum(branches.map((names) => Math.max(0, names.length - 1))) +
      sum(commits.map((count) => Math.max(0, count - 1))) +
      repeated(events, 'item-ended') +
      repeated(events, 'item-started'),
    unsound: places.filter((place) => fsck(place) !== '').length,
    staleLocks: sum(places.map((place) => staleLocks(place).length)),
  };
}

/** The outcome of a batch to which nothing bad happened. */
export const unharmed: BatchOutcome = { lost: 0, duplicates: 0, unsound: 0, staleLocks: 0 };

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function repeated(events: readonly Event[], type: 'item-ended' | 'item-started'): number {
  const taskIds = events.flatMap((event) =>
    event.type === type && 'taskId' in event.data ? [event.data.taskId] : [],
  );
  return taskIds.length - new Set(taskIds).size;
}

/** Number of workflows that Temporal holds as running. */
export async function runningWorkflows({ temporal }: Pick<Ado, 'temporal'>): Promise<number> {
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const { workflow } = new Client({ connection, namespace: temporal.namespace });
    const { count } = await workflow.count("ExecutionStatus = 'Running'");
    return count;
  } finally {
    await connection.close();
  }
}
