/** Patches, kept by the SHA-256 of their text: equal ones once per tenant. */
import { createHash } from 'node:crypto';
import type { TenantTransaction } from './tenant-transaction.ts';

/** Longest patch that is kept; the branch has the whole change. */
const maxPatchBytes = 5_000_000;

/** Begins the last line of a patch that is not whole. */
const cutMark = '# cut by ado: ';

/** A patch as it is kept. */
export interface KeptPatch {
  readonly sha256: string;
  readonly content: string;
}

/** Makes a patch ready to be kept: over the bound it ends after a whole line, with a line that says so. */
export function toKeptPatch(patch: string): KeptPatch {
  const content = bounded(patch);
  return { sha256: createHash('sha256').update(content).digest('hex'), content };
}

/** Finds a task with the whole change that is kept of it; undefined when there is no such task. */
export function findKeptPatch(tx: TenantTransaction, taskId: string) {
  return tx.db
    .selectFrom('tasks')
    .leftJoin('blobs', (join) =>
      join
        .onRef('blobs.tenant_id', '=', 'tasks.tenant_id')
        .onRef('blobs.sha256', '=', 'tasks.diff_sha256'),
    )
    .select('blobs.content')
    .where('tasks.tenant_id', '=', tx.tenantId)
    .where('tasks.id', '=', taskId)
    .executeTakeFirst();
}

/** Finds a patch by its hash; undefined when it is not there, or not whole. */
export async function findWholePatch(
  tx: TenantTransaction,
  sha256: string,
): Promise<string | undefined> {
  const found = await tx.db
    .selectFrom('blobs')
    .select('content')
    .where('tenant_id', '=', tx.tenantId)
    .where('sha256', '=', sha256)
    .executeTakeFirst();
  return found === undefined || isCut(found.content) ? undefined : found.content;
}

/** Keeps a patch, unless it is there. */
export async function keepPatch(tx: TenantTransaction, patch: KeptPatch): Promise<void> {
  await tx.db
    .insertInto('blobs')
    .values({ tenant_id: tx.tenantId, ...patch, at: tx.at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Answers whether a kept patch is not whole. */
export function isCut(content: string): boolean {
  return content.lastIndexOf(cutMark) === content.trimEnd().lastIndexOf('\n') + 1;
}

function bounded(patch: string): string {
  const sizeBytes = Buffer.byteLength(patch);
  if (sizeBytes <= maxPatchBytes) return patch;
  const head = Buffer.from(patch).subarray(0, maxPatchBytes);
  const wholeLines = head.subarray(0, head.lastIndexOf('\n') + 1).toString('utf8');
  return `${wholeLines}${cutMark}the patch has ${sizeBytes} bytes, of which ${Buffer.byteLength(wholeLines)} are kept\n`;
}
