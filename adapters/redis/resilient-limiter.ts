/**
 * The limiter that activities get: the shared one, and while Redis is away this worker's part of each rate.
 *
 * redis-watch.ts decides which of the two may let calls in, so that all workers together stay within the limits while
 * Redis goes, is away, comes back, and is empty when it does. Between the two nobody is let in: calls are refused with
 * a wait of a second at most. When Redis is back it is told, before anything is shared: that every rate used alone is
 * used up, how the calls ended that were let in before, and the pauses that providers asked for.
 *
 * A call belongs to where it was let in. While Redis is away the shared ones are not renewed: if that lasts longer than
 * a lease, their places among those at once go to others while they still run. `maxConcurrent` is held within each of
 * the two, not over both.
 */
import type { Redis } from 'ioredis';
import { AppError } from '../../contracts/errors.ts';
import type {
  CallOutcome,
  Clock,
  HeldReservation,
  LimitAnswer,
  LimitRequest,
  LimitScope,
  RateLimiter,
} from '../ports.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createKnownRefusals } from './known-refusals.ts';
import { createLiveWorkers } from './live-workers.ts';
import { createLocalLimiter } from './local-limiter.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { createRedisWatch, isUnavailable, watchTimes, type WatchTimes } from './redis-watch.ts';

/** A limiter with a beat. */
export interface ResilientLimiter extends RateLimiter {
  /** Begins to beat. Answers after the first beat, also when Redis is not there. Call it before any other method. */
  start(): Promise<void>;
  /** Stops to beat. The connection stays open. */
  close(): void;
}

/** What a resilient limiter is made of. */
export interface ResilientLimiterOptions {
  /** Made by `createLimiterRedis`. */
  readonly redis: Redis;
  readonly clock: Clock;
  /** Of this process, and of no other. */
  readonly workerId: string;
  readonly log?: Pick<Logger, 'warn' | 'info'>;
  /** Told when this worker goes on alone, and when it shares the limits again. */
  readonly onDegraded?: (isDegraded: boolean) => void;
  /** Shorter in tests. */
  readonly times?: Partial<WatchTimes & { readonly graceMs: number }>;
}

/**
 * Most calls whose end Redis was not told, and most whose answer was lost. Beyond it the oldest are dropped: the former
 * stay charged as they were reserved until their leases end. A worker has hundreds of calls under way, not thousands.
 */
const mostKept = 5_000;

/** A limiter that goes on while Redis is away. */
export function createResilientLimiter(options: ResilientLimiterOptions): ResilientLimiter {
  const { redis, clock, workerId, log, onDegraded } = options;
  const { graceMs = 60_000, ...times } = { ...watchTimes, ...options.times };
  const shared = createRateLimiter({ redis });
  const refusals = createKnownRefusals(clock);
  /** Ids whose last `reserve` got no answer: Redis may have charged them. */
  const unknown = new Set<string>();
  const untold = new Map<
    string,
    { readonly held: HeldReservation; readonly outcome: CallOutcome }
  >();
  /** Scopes that were used alone, and of which Redis was not told. */
  const usedAlone = new Map<string, { readonly account: string; readonly scope: LimitScope }>();

  const watch = createRedisWatch({
    live: createLiveWorkers({ redis, workerId, lifeMs: times.lifeMs }),
    clock,
    times,
    restore,
    onAway(isAway) {
      onDegraded?.(isAway);
      if (isAway) log?.warn({ workers: watch.workers() }, 'limiter-alone');
      else log?.info('limiter-shared');
    },
  });
  const local = createLocalLimiter({ clock, liveWorkers: () => watch.workers() ?? 1, graceMs });
  const onReady = (): void => {
    watch.look();
  };

  /** Repeated from where it failed: each part is forgotten once Redis knows it. */
  async function restore(): Promise<void> {
    for (const { account, scopes } of local.end()) {
      for (const scope of scopes) usedAlone.set(`${account} ${scope.name}`, { account, scope });
    }
    // All at once: others share these rates again when their quiet time is over.
    await Promise.all(
      [...usedAlone].map(async ([key, { account, scope }]) => {
        const rates = scope.dimensions.filter(({ kind }) => kind === 'rate');
        for (const { name } of rates) {
          await shared.sync(account, { scope, dimension: name, remaining: 0 });
        }
        usedAlone.delete(key);
      }),
    );
    for (const [key, { held, outcome }] of untold) {
      await shared.settle(held, outcome);
      untold.delete(key);
    }
    await refusals.tellPauses((account, model, forMs) => shared.pause(account, model, forMs));
  }

  const ask = (request: LimitRequest): Promise<LimitAnswer> =>
    watch.attempt(() => shared.reserve(request));

  /**
   * A charge whose answer was lost counts for the time it was made. Whoever asks again would be let in at a later one,
   * together with all others who lost their answers then. So that charge is given back, and made anew.
   */
  async function share(request: LimitRequest): Promise<LimitAnswer> {
    try {
      const answer = await ask(request);
      const isFresh = answer.kind !== 'go' || answer.grant === answer.redisTimeUs;
      if (isFresh || !unknown.has(request.id)) {
        unknown.delete(request.id);
        return answer;
      }
      const { account, model, id, scopes } = request;
      const held = { account, model, id, scopes, grant: answer.grant };
      await watch.attempt(() => shared.settle(held, { kind: 'not_sent' }));
      unknown.delete(id);
      return await ask(request);
    } catch (error) {
      if (isUnavailable(error)) remember(unknown, request.id);
      throw error;
    }
  }

  async function decide(request: LimitRequest): Promise<LimitAnswer> {
    if (local.has(request.id)) return local.reserve(request);
    const known = refusals.find(request.account, request.model);
    if (known !== undefined) return known;
    if (watch.state() === 'well') {
      try {
        const answer = await share(request);
        refusals.heard(request.account, request.model, answer);
        return answer;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
      }
    }
    if (watch.state() !== 'away') return nobody();
    if (watch.workers() === undefined) {
      const text =
        'Redis does not answer, and this worker does not know how many others there are.';
      throw new AppError('LIMITER_UNAVAILABLE', text, { retryAfterMs: 5_000 });
    }
    return local.reserve(request);
  }

  /** The answer between shared and alone. */
  function nobody(): LimitAnswer {
    const where = { scope: undefined, dimension: undefined, redisTimeUs: clock.now() * 1_000 };
    return { kind: 'refuse', reason: 'limit', waitMs: watch.waitMs(), ...where };
  }

  function keep(held: HeldReservation, outcome: CallOutcome): void {
    dropOldest(untold);
    untold.set(`${held.account} ${held.id} ${held.grant}`, { held, outcome });
  }

  return {
    async start() {
      redis.on('ready', onReady);
      await watch.start();
    },
    close() {
      redis.off('ready', onReady);
      watch.close();
    },
    reserve: decide,
    async settle(held, outcome) {
      const { account, model } = held;
      if (held.grant < 0) {
        const wasHeld = local.has(held.id);
        local.settle(held.id);
        if (wasHeld && outcome.kind === 'rate_limited') {
          refusals.pause(account, model, outcome.retryAfterMs ?? 1_000);
        }
        return wasHeld;
      }
      if (outcome.kind === 'success') refusals.succeeded(account, model);
      if (watch.state() !== 'away') {
        try {
          return await watch.attempt(() => shared.settle(held, outcome));
        } catch (error) {
          if (!isUnavailable(error)) throw error;
        }
      }
      keep(held, outcome);
      if (outcome.kind === 'rate_limited' && outcome.retryAfterMs !== undefined) {
        refusals.pause(account, model, outcome.retryAfterMs);
      }
      return true;
    },
    async extend(held) {
      if (held.grant < 0) return local.has(held.id);
      return (await tryShared(() => shared.extend(held))) ?? true;
    },
    async sync(account, reading) {
      await tryShared(() => shared.sync(account, reading));
    },
    async pause(account, model, forMs) {
      const isTold = await tryShared(async () => {
        await shared.pause(account, model, forMs);
        return true;
      });
      if (isTold !== true) refusals.pause(account, model, forMs);
    },
    peek: (account, model, scopes) => watch.attempt(() => shared.peek(account, model, scopes)),
  };

  /** Undefined where Redis did not answer, or is not asked as it would not. */
  async function tryShared<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (watch.state() === 'away') return undefined;
    try {
      return await watch.attempt(work);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return undefined;
    }
  }
}

function remember(ids: Set<string>, id: string): void {
  dropOldest(ids);
  ids.add(id);
}

function dropOldest(kept: Set<string> | Map<string, unknown>): void {
  const [oldest] = kept.keys();
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
}
