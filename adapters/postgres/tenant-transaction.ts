/**
 * The only way to a connection: a transaction as one tenant, or as the system. Both give up the rights of the login
 * role first, so that row-level security holds whatever a query forgets, even when that role is a superuser.
 */
import { Kysely, PostgresDialect, sql, type PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { openPool, toStoreError } from './pool.ts';
import type { Clock } from '../ports.ts';
import type { Tables } from './schema.ts';

/** A transaction. */
export interface Transaction {
  readonly db: Kysely<Tables>;
  /** The time of all that it writes: when it was first asked for, which is after the locks were taken. */
  readonly at: Date;
}

/** The functions of migrations/: each enters the tenant that is its first argument, and answers JSON. */
export type TenantFunction = 'reserve_purchase' | 'end_purchase';

/** Who works as one tenant. */
export interface TenantCaller {
  readonly tenantId: string;
  readonly at: Date;
  /** Calls a function with the tenant and `values`. */
  call<T>(name: TenantFunction, values: readonly unknown[]): Promise<T>;
}

/** A transaction that sees and writes the rows of one tenant. */
export interface TenantTransaction extends Transaction, TenantCaller {}

/** A PostgreSQL database with ado's tables. */
export interface Database {
  /**
   * Runs `work` in a transaction of the tenant. Committed when it answers; rolled back when it throws.
   * @throws STORE_UNAVAILABLE when PostgreSQL does not answer. When only the answer to COMMIT was lost, the work is
   * done all the same: what runs here must bear to be repeated.
   */
  inTenant<T>(tenantId: string, work: (tx: TenantTransaction) => Promise<T>): Promise<T>;
  /**
   * Each call is a transaction of its own, in one round trip.
   * @throws STORE_UNAVAILABLE as `inTenant` does
   */
  asTenant(tenantId: string): TenantCaller;
  /** Runs `work` in a transaction that sees the keys and the outbox of all tenants, and numbers: what accounts used, how many tasks wait, how long others work. */
  asSystem<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** Opens a database with at most `poolSize` connections. */
export function createDatabase(url: string, poolSize: number, clock = systemClock): Database {
  const pool = openPool(url, poolSize);
  return {
    async inTenant(tenantId, work) {
      const settings = `set local role ado_app; set local ado.tenant = '${checkedUuid(tenantId)}'`;
      return inTransaction(pool, settings, (client) =>
        work(new TenantWork(client, clock, tenantId)),
      );
    },
    asTenant: (tenantId) => ({
      tenantId,
      at: new Date(clock.now()),
      async call(name, values) {
        try {
          return await callFunction(pool, name, [checkedUuid(tenantId), ...values]);
        } catch (error) {
          throw toStoreError(error);
        }
      },
    }),
    asSystem: (work) =>
      inTransaction(pool, 'set local role ado_system', (client) => work(new Work(client, clock))),
    close: () => pool.end(),
  };
}

const systemClock: Clock = { now: () => Date.now() };

class Work implements Transaction {
  readonly db: Kysely<Tables>;
  readonly #clock: Clock;
  #at: Date | undefined;

  constructor(client: pg.PoolClient, clock: Clock) {
    this.db = queriesOn(client);
    this.#clock = clock;
  }

  get at(): Date {
    this.#at ??= new Date(this.#clock.now());
    return this.#at;
  }
}

class TenantWork extends Work implements TenantTransaction {
  readonly tenantId: string;
  readonly #client: pg.PoolClient;

  constructor(client: pg.PoolClient, clock: Clock, tenantId: string) {
    super(client, clock);
    this.tenantId = tenantId;
    this.#client = client;
  }

  call<T>(name: TenantFunction, values: readonly unknown[]): Promise<T> {
    return callFunction(this.#client, name, [this.tenantId, ...values]);
  }
}

async function callFunction<T>(
  on: pg.Pool | pg.PoolClient,
  name: TenantFunction,
  values: readonly unknown[],
): Promise<T> {
  const places = values.map((_, index) => `$${index + 1}`).join(', ');
  const query = toQuery(`select ${name}(${places}) as answer`, values);
  const { rows } = await on.query<{ answer: T }>(query);
  const [row] = rows;
  if (row === undefined) throw new Error(`${name} gave no row`);
  return row.answer;
}

/** Answers when PostgreSQL does and the tables are there. @throws STORE_UNAVAILABLE */
export async function checkPostgres(database: Database): Promise<void> {
  await database.asSystem(({ db }) => sql`select from outbox limit 0`.execute(db));
}

/** The tenant goes into a statement that takes no parameters. */
function checkedUuid(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text))
    throw new Error(`not a tenant id: ${text}`);
  return text;
}

async function inTransaction<T>(
  pool: pg.Pool,
  settings: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await connect(pool);
  let reusable = true;
  // Not awaited here: it travels with the first statement. Should it fail, PostgreSQL refuses every statement up to the
  // rollback, so nothing runs with the rights of the login role.
  const begun = client.query(`begin; ${settings}`).then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    const answer = await work(client);
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') throw new Error('an error in the transaction was passed over');
    return answer;
  } catch (error) {
    const cause = (await begun) ?? error;
    reusable = await client.query('rollback').then(
      () => true,
      () => false,
    );
    throw toStoreError(cause);
  } finally {
    client.release(!reusable);
  }
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw toStoreError(error);
  }
}

const builtQueries = new WeakMap<pg.PoolClient, Kysely<Tables>>();

/** Kysely on one connection, which it neither opens nor gives back. */
function queriesOn(client: pg.PoolClient): Kysely<Tables> {
  const built = builtQueries.get(client);
  if (built !== undefined) return built;
  const connection = {
    query: (text: string, values: readonly unknown[]) => client.query(toQuery(text, values)),
    release: ignore,
  };
  const pool = {
    // Its type also knows cursors, which nothing here uses.
    connect: () => Promise.resolve(connection as unknown as PostgresPoolClient),
    end: () => Promise.resolve(),
    options: {},
  };
  const queries = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  builtQueries.set(client, queries);
  return queries;
}

function ignore(): void {
  // The transaction releases the connection.
}

function toQuery(text: string, values: readonly unknown[]) {
  return { name: statementName(text), text, values: values.map(storable) };
}

/**
 * Names of prepared statements, which spare PostgreSQL the parsing and most of the planning: a third of its work for the
 * short statements of a journal. Bounded, as each connection keeps every statement it has seen.
 */
const statementNames = new Map<string, string>();
const maxStatementNames = 500;

function statementName(text: string): string | undefined {
  const known = statementNames.get(text);
  if (known !== undefined || statementNames.size === maxStatementNames) return known;
  const name = `ado_${statementNames.size}`;
  statementNames.set(text, name);
  return name;
}

/** PostgreSQL's text has no NUL; programs and models write it all the same. */
function storable(value: unknown): unknown {
  if (typeof value === 'string')
    return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
  return Array.isArray(value) ? value.map(storable) : value;
}
