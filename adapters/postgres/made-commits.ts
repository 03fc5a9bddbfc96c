/** The commits of a task, as far as they are on record so that they can be made again. */
import type { RecordedCommit } from '../ports.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** A commit, and what it stands on; null for the base commit. */
interface MadeCommit extends RecordedCommit {
  readonly parent: string | null;
}

/** Lists the commits that the steps of all attempts of a task have made. */
export async function listMadeCommits(
  tx: TenantTransaction,
  taskId: string,
): Promise<readonly MadeCommit[]> {
  return tx.db
    .selectFrom('checkpoints')
    .innerJoin('steps', (join) =>
      join
        .onRef('steps.tenant_id', '=', 'checkpoints.tenant_id')
        .onRef('steps.task_id', '=', 'checkpoints.task_id')
        .onRef('steps.attempt', '=', 'checkpoints.attempt')
        .onRef('steps.seq', '=', 'checkpoints.seq'),
    )
    .select([
      'checkpoints.commit',
      'checkpoints.parent',
      'checkpoints.diff_sha256 as patchSha256',
      'steps.effect_id as effectId',
    ])
    .where('checkpoints.tenant_id', '=', tx.tenantId)
    .where('checkpoints.task_id', '=', taskId)
    .where('checkpoints.diff_sha256', 'is not', null)
    .$narrowType<{ patchSha256: string }>()
    .execute();
}

/** Puts commits into order, from the first to the head; undefined when one is missing. */
export function chainTo(
  head: string | null,
  made: readonly MadeCommit[],
): readonly RecordedCommit[] | undefined {
  const known = new Map(made.map((one) => [one.commit, one]));
  const chain: RecordedCommit[] = [];
  for (let next = head; next !== null;) {
    const found = known.get(next);
    if (found === undefined) return undefined;
    // Whatever is on record, this ends.
    known.delete(next);
    const { parent, ...commit } = found;
    chain.unshift(commit);
    next = parent;
  }
  return chain;
}
