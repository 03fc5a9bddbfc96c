/** Patches, kept by the SHA-256 of their text: equal ones once per tenant. */
import { createHash } from 'node:crypto';
import type { TenantTransaction } from './tenant-transaction.ts';

/** Longest patch that is kept; the branch has the whole change. */
const maxPatchBytes = 5_000_000;

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

/** Keeps a patch, unless it is there. */
export async function keepPatch(tx: TenantTransaction, patch: KeptPatch): Promise<void> {
  await tx.db
    .insertInto('blobs')
    .values({ tenant_id: tx.tenantId, ...patch, at: tx.at })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function bounded(patch: string): string {
  const sizeBytes = Buffer.byteLength(patch);
  if (sizeBytes <= maxPatchBytes) return patch;
  const head = Buffer.from(patch).subarray(0, maxPatchBytes);
  const wholeLines = head.subarray(0, head.lastIndexOf('\n') + 1).toString('utf8');
  return `${wholeLines}# cut by ado: the patch has ${sizeBytes} bytes, of which ${Buffer.byteLength(wholeLines)} are kept\n`;
}
