/** Connections to PostgreSQL, and what their errors mean. */
import pg from 'pg';
import { AppError } from '../../contracts/errors.ts';

/**
 * `bigint` as a number: money, tokens and counts stay far below 2^53 (nine billion US dollars in micro-dollars).
 * pg itself would answer strings.
 */
const typeParsers = new pg.TypeOverrides();
typeParsers.setTypeParser(pg.types.builtins.INT8, Number);

/** Opens a pool of at most `size` connections; each is made when it is first needed. */
export function openPool(url: string, size: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    application_name: 'ado',
    types: typeParsers,
    // Statements that do not depend on each other's answer share a round trip.
    pipeline: true,
    // Every statement has an index to use. A new or fast growing table has no statistics that tell the planner so, and
    // a plan made for each execution costs more than the execution itself.
    options: '-c enable_seqscan=off -c jit=off -c plan_cache_mode=force_generic_plan',
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    // A new connection costs about as much as ten transactions, and has no prepared statements.
    idleTimeoutMillis: 60_000,
    statement_timeout: 30_000,
    lock_timeout: 5_000,
    // For a server that is gone without a word: the client gives up shortly after the server would have.
    query_timeout: 35_000,
  });
  // A lost connection is reported to the query that uses it, or the pool replaces it. Without listeners the event would
  // end the process: the pool listens on idle connections only, so the ones in use need one too.
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

function ignore(): void {
  // The event tells nothing that the query's own error does not.
}

/**
 * SQLSTATE classes and codes that pass by themselves: connection lost (08), out of connections or memory (53), server
 * stopping or starting (57P01–57P03), cancelled by a timeout (57014, 55P03), serialization and deadlock (40),
 * read-only after a failover (25006).
 */
const passingStates = /^(08|53|40|57P0[123]|57014|55P03|25006)/;
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
/** What pg throws for a dead connection carries no code. */
const clientMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** Turns an error of pg into STORE_UNAVAILABLE when trying again makes sense; every other error is returned untouched. */
export function toStoreError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const passes =
    error instanceof pg.DatabaseError
      ? passingStates.test(code)
      : networkCodes.has(code) || clientMessages.test(error.message);
  if (!passes) return error;
  return new AppError('STORE_UNAVAILABLE', 'PostgreSQL does not answer', {
    cause: error,
    retryAfterMs: 1_000,
  });
}
