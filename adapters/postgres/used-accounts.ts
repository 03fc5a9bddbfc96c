/** The AccountUsage port: what usage records and waiting tasks of a tenant say about accounts. */
import { sql } from 'kysely';
import type { AccountUsage } from '../ports.ts';
import type { Database } from './tenant-transaction.ts';

const dayMs = 24 * 3_600_000;

/** Makes the reads of a database. */
export function createAccountUsage(database: Database): AccountUsage {
  return {
    listUsedToday: (tenantId, timeZone) =>
      database.inTenant(tenantId, async (tx) => {
        const dayBegan = sql<Date>`date_trunc('day', ${tx.at}::timestamptz, ${timeZone}::text)`;
        const rows = await tx.db
          .selectFrom('usage_records')
          .select(({ fn }) => [
            'account',
            fn.countAll<number>().as('calls'),
            fn.sum<string>('cost_micro_usd').as('cost'),
          ])
          .where('tenant_id', '=', tx.tenantId)
          .where('at', '>=', dayBegan)
          .groupBy('account')
          .execute();
        return rows.flatMap(({ account, calls, cost }) =>
          account === null ? [] : [{ account, calls, costMicroUsd: Number(cost) }],
        );
      }),

    listUsedModels: (tenantId) =>
      database.inTenant(tenantId, async (tx) => {
        const rows = await tx.db
          .selectFrom('usage_records')
          .select(['account', 'model'])
          .distinct()
          .where('tenant_id', '=', tx.tenantId)
          .where('at', '>=', new Date(tx.at.getTime() - dayMs))
          .orderBy('account')
          .orderBy('model')
          .execute();
        return rows.flatMap(({ account, model }) => (account === null ? [] : [{ account, model }]));
      }),

    listWaiting: (tenantId) =>
      database.inTenant(tenantId, async (tx) => {
        const rows = await tx.db
          .selectFrom('tasks')
          .select(({ fn }) => [
            'waiting_reason',
            'waiting_detail',
            fn.countAll<number>().as('tasks'),
            fn.min('waiting_until').as('until'),
          ])
          .where('tenant_id', '=', tx.tenantId)
          .where(sql<boolean>`status in ('queued', 'running')`)
          .where(sql<boolean>`waiting_reason in ('limit', 'provider', 'window')`)
          .groupBy(['waiting_reason', 'waiting_detail'])
          .orderBy('tasks', 'desc')
          .orderBy('waiting_detail')
          .execute();
        return rows.flatMap(({ waiting_reason: reason, waiting_detail: detail, tasks, until }) =>
          reason === null
            ? []
            : [
                {
                  reason,
                  detail: detail ?? '',
                  tasks,
                  ...(until === null ? {} : { until: until.toISOString() }),
                },
              ],
        );
      }),
  };
}
