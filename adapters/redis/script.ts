/** Lua scripts: one file each, whose header is the contract. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { AppError } from '../../contracts/errors.ts';

/** Runs the script on keys and arguments. @throws LIMITER_UNAVAILABLE */
export type Script<Answer = number> = (
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
) => Promise<Answer>;

/** A script of this folder that answers an integer. */
export function loadScript(redis: Redis, file: `${string}.lua`): Script {
  const run = loadAnyScript(redis, file);
  return async (keys, args) => Number(await run(keys, args));
}

/** A script of this folder that answers a list: of integers, unless it says otherwise. */
export function loadListScript<Item extends number | string = number>(
  redis: Redis,
  file: `${string}.lua`,
): Script<readonly Item[]> {
  const run = loadAnyScript(redis, file);
  return async (keys, args) => (await run(keys, args)) as Item[];
}

/** Sent by its hash; its text follows only when Redis does not know it, as after a restart. */
function loadAnyScript(redis: Redis, file: string): Script<unknown> {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const hash = createHash('sha1').update(text).digest('hex');
  return async (keys, args) => {
    try {
      gatherWrites(redis);
      return await redis.evalsha(hash, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT'))
        throw unavailable(error);
    }
    try {
      return await redis.eval(text, keys.length, ...keys, ...args);
    } catch (error) {
      throw unavailable(error);
    }
  };
}

/** What is sent in the same turn of the event loop leaves in one write: a write costs more than a script's arguments. */
function gatherWrites({ stream }: { readonly stream?: Redis['stream'] }): void {
  if (stream === undefined || stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => {
    stream.uncork();
  });
}

function unavailable(error: unknown): AppError {
  const reason = error instanceof Error ? error.message : String(error);
  return new AppError('LIMITER_UNAVAILABLE', `Redis does not answer: ${reason}`, { cause: error });
}
