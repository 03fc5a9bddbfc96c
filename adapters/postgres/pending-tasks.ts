/** How many tasks wait, whoever's they are. */
import type { Database } from './tenant-transaction.ts';

/** Counts the tasks of all tenants whose work has not begun. @throws STORE_UNAVAILABLE */
export async function countPendingTasks(database: Pick<Database, 'asSystem'>): Promise<number> {
  const { tasks } = await database.asSystem(({ db }) =>
    db
      .selectFrom('tasks')
      .select(({ fn }) => fn.count<string>('status').as('tasks'))
      .where('status', '=', 'queued')
      .executeTakeFirstOrThrow(),
  );
  return Number(tasks);
}
