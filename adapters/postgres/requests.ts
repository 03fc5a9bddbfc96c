/** What every changing request leaves besides its change: its idempotency key, and a line in the audit log. */
import { AppError } from '../../contracts/errors.ts';
import type { Actor, IdempotencyClaim } from '../ports.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/**
 * Takes an idempotency key for `resourceId`; answers the id that an earlier request took it for, or undefined when it
 * is taken by this one. Of requests at once, the later ones wait until the first has committed or failed.
 * @throws IDEMPOTENCY_KEY_REUSED
 */
export async function takeKey(
  tx: TenantTransaction,
  claim: IdempotencyClaim | undefined,
  resourceId: string,
): Promise<string | undefined> {
  if (claim === undefined) return undefined;
  const { numInsertedOrUpdatedRows } = await tx.db
    .insertInto('idempotency_keys')
    .values({
      tenant_id: tx.tenantId,
      key: claim.key,
      request_hash: claim.requestHash,
      resource_id: resourceId,
      at: tx.at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n ? undefined : findKey(tx, claim);
}

/** Finds what an idempotency key was taken for. @throws IDEMPOTENCY_KEY_REUSED */
export async function findKey(
  tx: TenantTransaction,
  claim: IdempotencyClaim,
): Promise<string | undefined> {
  const row = await tx.db
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'resource_id'])
    .where('tenant_id', '=', tx.tenantId)
    .where('key', '=', claim.key)
    .executeTakeFirst();
  if (row !== undefined && row.request_hash !== claim.requestHash) {
    throw new AppError(
      'IDEMPOTENCY_KEY_REUSED',
      `the Idempotency-Key ${claim.key} was used for another request`,
    );
  }
  return row?.resource_id;
}

/** Writes who did what to which task, batch or price. */
export async function audit(
  tx: TenantTransaction,
  actor: Actor,
  { action, targetId, detail = {} }: { action: string; targetId: string; detail?: object },
): Promise<void> {
  await tx.db
    .insertInto('audit_log')
    .values({
      tenant_id: tx.tenantId,
      key_id: actor.keyId,
      action,
      target_id: targetId,
      detail: JSON.stringify(detail),
      at: tx.at,
    })
    .execute();
}
