/** The prices that operators set, as rows that are only ever added. */
import { isDeepStrictEqual } from 'node:util';
import { sql, type Selectable } from 'kysely';
import type { PriceOverride, PriceStore, RecordedOverride, TokenRates } from '../ports.ts';
import { audit } from './requests.ts';
import type { Tables } from './schema.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

/** The price store of a database. */
export function createPriceStore(database: Database): PriceStore {
  return {
    record: (actor, overrides) =>
      database.inTenant(actor.tenantId, async (tx) => {
        // Of two who set prices at once, the second one sees what the first has set.
        await sql`select pg_advisory_xact_lock(hashtextextended(${`prices ${tx.tenantId}`}, 0))`.execute(
          tx.db,
        );
        const counting = new Map((await list(tx)).reverse().map((row) => [keyOf(row), row]));
        const news = overrides.filter((one) => !isSame(one, counting.get(keyOf(one))));
        if (news.length > 0) {
          const rows = news.map((one) => ({ ...toColumns(one), recorded_at: tx.at }));
          await tx.db
            .insertInto('price_overrides')
            .values(rows.map((row) => ({ ...row, tenant_id: tx.tenantId })))
            .execute();
        }
        for (const { provider, model, ...detail } of news) {
          await audit(tx, actor, { action: 'set-price', targetId: `${provider}:${model}`, detail });
        }
        return { recorded: news.length, unchanged: overrides.length - news.length };
      }),

    list: (tenantId) => database.inTenant(tenantId, list),
  };
}

/** The one that counts first: by date, then by age, the latest first. */
async function list(tx: TenantTransaction): Promise<RecordedOverride[]> {
  const rows = await tx.db
    .selectFrom('price_overrides')
    .selectAll()
    .where('tenant_id', '=', tx.tenantId)
    .orderBy('effective_from', 'desc')
    .orderBy('id', 'desc')
    .execute();
  return rows.map(toOverride);
}

/** What a price is for: of prices with the same key, the one recorded last counts. */
function keyOf({ provider, model, serviceTier, effectiveFrom }: PriceOverride): string {
  return JSON.stringify([provider, model, serviceTier, effectiveFrom.toISOString()]);
}

function isSame(one: PriceOverride, other: PriceOverride | undefined): boolean {
  return other !== undefined && isDeepStrictEqual(comparable(one), comparable(other));
}

/** All that makes a price, in one form: absent rates and undefined ones are the same. */
function comparable({ rates, contextTiers, source }: PriceOverride): unknown {
  const tiers = contextTiers.map((tier) => ({
    above: tier.aboveInputTokens,
    ...known(tier.rates),
  }));
  return { rates: known(rates), tiers: tiers.sort((one, two) => one.above - two.above), source };
}

function known(rates: TokenRates): TokenRates {
  const entries: [string, number | undefined][] = Object.entries(rates);
  return Object.fromEntries(entries.filter(([, rate]) => rate !== undefined));
}

function toColumns({ rates, ...override }: PriceOverride) {
  return {
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
