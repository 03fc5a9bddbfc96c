/** API keys: `ado_<env>_<id>_<secret>`. The id finds the row; of the key itself only the SHA-256 is kept. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { AppError } from '../../contracts/errors.ts';
import type { KeyStore } from '../ports.ts';
import type { Database } from './tenant-transaction.ts';

const keyPattern = /^ado_[a-z0-9]+_([A-Za-z0-9]{8,64})_\S{32,200}$/;

/** The keys of a database. */
export function createKeyStore(database: Database): KeyStore {
  return {
    async findActor(key) {
      const id = keyPattern.exec(key)?.[1];
      if (id === undefined) return undefined;
      const row = await database.asSystem(async ({ db, at }) =>
        db
          .selectFrom('api_keys')
          .innerJoin('tenants', 'tenants.tenant_id', 'api_keys.tenant_id')
          .select(['api_keys.tenant_id', 'tenants.name', 'api_keys.sha256', 'api_keys.scopes'])
          .where('api_keys.id', '=', id)
          .where('revoked_at', 'is', null)
          .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', at)]))
          .executeTakeFirst(),
      );
      if (row === undefined || !timingSafeEqual(row.sha256, sha256(key))) return undefined;
      return { tenantId: row.tenant_id, tenantName: row.name, keyId: id, scopes: row.scopes };
    },

    async ensureKey(tenantId, tenantName, key, scopes) {
      const id = keyPattern.exec(key)?.[1];
      if (id === undefined)
        throw new AppError('KEY_INVALID', 'the key is not of the form ado_<env>_<id>_<secret>');
      await database.inTenant(tenantId, async ({ db, at }) => {
        await db
          .insertInto('tenants')
          .values({ tenant_id: tenantId, name: tenantName, created_at: at })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        await db
          .insertInto('api_keys')
          .values({
            tenant_id: tenantId,
            id,
            sha256: sha256(key),
            scopes: [...scopes],
            created_at: at,
          })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        const kept = await db
          .selectFrom('api_keys')
          .select('sha256')
          .where('id', '=', id)
          .executeTakeFirst();
        if (kept === undefined || !timingSafeEqual(kept.sha256, sha256(key))) {
          throw new AppError('KEY_INVALID', `another key has the id ${id}`);
        }
      });
    },
  };
}

function sha256(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
