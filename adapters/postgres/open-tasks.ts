/** How the tasks that have not ended do, whoever's they are. */
import { sql } from 'kysely';
import type { OpenTasks } from '../ports.ts';
import type { Database } from './tenant-transaction.ts';

/** Looks at the tasks of all tenants. Time that a task waited, for its model or for people, is no work. @throws STORE_UNAVAILABLE */
export async function lookAtOpenTasks(database: Pick<Database, 'asSystem'>): Promise<OpenTasks> {
  const [queued, running] = await database.asSystem(({ db, at }) =>
    Promise.all([
      // Literally: a plan for any status could not take the indexes of these two.
      db
        .selectFrom('tasks')
        .select(({ fn }) => fn.count<string>('status').as('tasks'))
        .where('status', '=', sql.lit('queued'))
        .executeTakeFirstOrThrow(),
      db
        .selectFrom('tasks')
        .select(({ fn }) => fn.max<string | null>(workedMs(at)).as('longest'))
        .where('status', '=', sql.lit('running'))
        .executeTakeFirstOrThrow(),
    ]),
  );
  return { pending: Number(queued.tasks), longestWorkMs: Math.max(0, Number(running.longest)) };
}

/** Since the start of the attempt, up to the wait that it is in, less the waits that are over. */
function workedMs(at: Date) {
  return sql<string>`extract(epoch from coalesce(waiting_since, ${at}::timestamptz) - started_at) * 1000 - waited_ms`;
}
