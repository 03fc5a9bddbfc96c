/**
 * The programs that the embedded platform runs. Which are looked for follows from the environment: a part whose address
 * is given there is not started, so its program is not needed.
 */
import { layOut } from './home.ts';
import { getPostgres } from './programs/postgres.ts';
import type { PostgresPrograms } from './programs/postgres.ts';
import { getRedis } from './programs/redis.ts';
import type { RedisProgram } from './programs/redis.ts';
import { getTemporalCli } from './programs/temporal.ts';
import type { TemporalCli } from './programs/temporal.ts';
import type { Reporter } from './progress.ts';

/** What was found. Undefined where the environment names a running one instead. */
export interface Programs {
  readonly postgres: PostgresPrograms | undefined;
  readonly redis: RedisProgram | undefined;
  readonly temporal: TemporalCli | undefined;
}

/**
 * Finds every program the platform will start, installing or building what can be.
 * @throws PROGRAM_MISSING for the first that is not there, with the line that installs it
 */
export async function getPrograms(search: {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal | undefined;
}): Promise<Programs> {
  const { home, ...how } = search;
  const { env } = how;
  const external = findExternals(env);
  // What is quick to find comes first: nobody should wait for a build only to hear that Redis is missing.
  const [redis, postgres] = await Promise.all([
    external.redis === undefined ? getRedis(env) : undefined,
    external.postgres === undefined
      ? getPostgres({ ...how, dataFolder: layOut(home).postgres })
      : undefined,
  ]);
  const temporal = external.temporal === undefined ? await getTemporalCli(how) : undefined;
  return { postgres, redis, temporal };
}

/** The addresses of parts that run elsewhere, as the environment gives them. */
export interface Externals {
  readonly postgres: string | undefined;
  readonly redis: string | undefined;
  readonly temporal: string | undefined;
}

/** Reads the addresses of parts that are not to be started; an empty variable counts as none. */
export function findExternals(env: NodeJS.ProcessEnv): Externals {
  const read = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  return {
    postgres: read('DATABASE_URL'),
    redis: read('REDIS_URL'),
    temporal: read('TEMPORAL_ADDRESS'),
  };
}
