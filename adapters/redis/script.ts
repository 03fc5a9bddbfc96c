/** Lua scripts: one file each, whose header is the contract. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { AppError } from '../../contracts/errors.ts';

/** Runs the script on keys and arguments. @throws LIMITER_UNAVAILABLE */
export type Script = (
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<number>;

/**
 * A script of this folder that answers an integer. Sent by its hash; its text follows only when Redis does not know
 * it, as after a restart.
 */
export function loadScript(redis: Redis, file: `${string}.lua`): Script {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const hash = createHash('sha1').update(text).digest('hex');
  return async (keys, args) => {
    try {
      return Number(await redis.evalsha(hash, keys.length, ...keys, ...args));
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT'))
        throw unavailable(error);
    }
    try {
      return Number(await redis.eval(text, keys.length, ...keys, ...args));
    } catch (error) {
      throw unavailable(error);
    }
  };
}

function unavailable(error: unknown): AppError {
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('LIMITER_UNAVAILABLE', `Redis does not answer: ${reason}`, { cause: error });
}
