/** The prices that operators set, as rows that are only ever added. */
import type { Selectable } from 'kysely';
import type { PriceStore, RecordedOverride, TokenRates } from '../ports.ts';
import type { Tables } from './schema.ts';
import type { Database } from './tenant-transaction.ts';

/** The price store of a database. */
export function createPriceStore(database: Database): PriceStore {
  return {
    record: (tenantId, override) =>
      database.inTenant(tenantId, async (tx) => {
        const { rates } = override;
        await tx.db
          .insertInto('price_overrides')
          .values({
            tenant_id: tx.tenantId,
            provider: override.provider,
            model: override.model,
            service_tier: override.serviceTier,
            effective_from: override.effectiveFrom,
            input_micro_usd: rates.input ?? null,
            cache_read_micro_usd: rates.cacheRead ?? null,
            cache_write_5m_micro_usd: rates.cacheWrite5m ?? null,
            cache_write_1h_micro_usd: rates.cacheWrite1h ?? null,
            output_micro_usd: rates.output ?? null,
            reasoning_micro_usd: rates.reasoning ?? null,
            context_tiers: JSON.stringify(override.contextTiers),
            source: override.source,
            recorded_at: tx.at,
          })
          .execute();
      }),

    list: (tenantId) =>
      database.inTenant(tenantId, async (tx) => {
        const rows = await tx.db
          .selectFrom('price_overrides')
          .selectAll()
          .where('tenant_id', '=', tx.tenantId)
          .orderBy('effective_from', 'desc')
          .orderBy('id', 'desc')
          .execute();
        return rows.map(toOverride);
      }),
  };
}

function toOverride(row: Selectable<Tables['price_overrides']>): RecordedOverride {
  return {
    id: row.id,
    provider: row.provider,
    model: row.model,
    serviceTier: row.service_tier,
    effectiveFrom: row.effective_from,
    rates: toRates(row),
    contextTiers: row.context_tiers,
    source: row.source,
  };
}

function toRates(row: Selectable<Tables['price_overrides']>): TokenRates {
  return {
    input: row.input_micro_usd ?? undefined,
    cacheRead: row.cache_read_micro_usd ?? undefined,
    cacheWrite5m: row.cache_write_5m_micro_usd ?? undefined,
    cacheWrite1h: row.cache_write_1h_micro_usd ?? undefined,
    output: row.output_micro_usd ?? undefined,
    reasoning: row.reasoning_micro_usd ?? undefined,
  };
}
