/** Finds Redis or Valkey on PATH. */
import { AppError } from '../../../contracts/errors.ts';
import { installLine, recogniseSystem } from '../install-lines.ts';
import { isAtLeast, oldest } from '../versions.ts';
import { findOnPath, findVersion } from './run-program.ts';

/** A Redis that can be run. */
export interface RedisProgram {
  readonly server: string;
  readonly version: string;
}

/** Finds a Redis or Valkey that is new enough; undefined when there is none. */
export async function findRedis(env: NodeJS.ProcessEnv): Promise<RedisProgram | undefined> {
  for (const name of ['redis-server', 'valkey-server']) {
    const server = findOnPath(name, env);
    if (server === undefined) continue;
    const version = await findVersion(server, env);
    if (version !== undefined && isAtLeast(version, oldest.redis)) return { server, version };
  }
  return undefined;
}

/**
 * The same, or an error that says what to do.
 * @throws PROGRAM_MISSING
 */
export async function getRedis(env: NodeJS.ProcessEnv): Promise<RedisProgram> {
  const found = await findRedis(env);
  if (found !== undefined) return found;
  const line = installLine('redis', recogniseSystem(env));
  throw new AppError(
    'PROGRAM_MISSING',
    `Redis ${oldest.redis} or newer (or Valkey) is not on PATH. Install it (${line}), or set REDIS_URL to one that runs.`,
  );
}
