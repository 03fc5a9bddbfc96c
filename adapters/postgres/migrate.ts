/** Brings the tables up to date. As a program: `npm run db:migrate`. */
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { loadConfig } from '../../config/config.ts';
import { toStoreError } from './pool.ts';

/** Of this program; any number that no other user of the database locks. */
const lockKey = 4_207_249_511;

/**
 * Runs the migrations that the database has not seen. Several processes may call it at once: one works, the others wait
 * for it. Each migration is one transaction, and gives up rather than hold others up behind a lock that it waits for.
 * @throws STORE_UNAVAILABLE
 */
export async function migrate(url: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'ado migrate',
  });
  client.on('error', ignore);
  try {
    await client.connect();
    await client.query(`select pg_advisory_lock(${lockKey})`);
    // After the lock, as it would end that wait too.
    await client.query(`set lock_timeout = '2s'`);
    await runner({
      dbClient: client,
      dir: fileURLToPath(new URL('migrations', import.meta.url)),
      migrationsTable: 'ado_migrations',
      direction: 'up',
      noLock: true,
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    });
  } catch (error) {
    throw toStoreError(error);
  } finally {
    // Gives the lock back too.
    await client.end();
  }
}

function ignore(): void {
  // What goes wrong is thrown.
}

if (argv[1] === fileURLToPath(import.meta.url)) void migrate(loadConfig().database.url);
