/**
 * What a worker may do while Redis is away: its part of every rate, for a minute.
 *
 * Each worker takes `limit ÷ live workers × 0.8`, from buckets that begin empty, so that all together stay below the
 * limit whatever they did just before. Where that cannot be told it stays shut: money, and windows, of which nobody
 * knows what is left. Nothing is asked and nothing stored outside the process.
 */
import { AppError } from '../../contracts/errors.ts';
import type { Clock, LimitScope, RateDimension, LimitAnswer, LimitRequest } from '../ports.ts';
import { assertReachable } from './limiter/assert-limits.ts';

/** How long a worker goes on alone. Then it cannot know any more how many others there are. */
const defaultGraceMs = 60_000;
/** What is kept back of a worker's part, for workers that came after the last count. */
const safeShare = 0.8;

/** Limits of one process, while the shared ones cannot be reached. */
export interface LocalLimiter {
  /**
   * Answers `go` with a grant below 0, or `refuse`; there is no line. Throws LIMITER_UNAVAILABLE 60 s after the first
   * call of an outage, and at once where a scope has a window or a call costs money that is limited.
   */
  reserve(request: LimitRequest): LimitAnswer;
  /** Ends a call: frees its place among those that run at once. What it was charged stays charged. */
  settle(id: string): void;
  /** Whether the call was let in here and has not ended. */
  has(id: string): boolean;
  /** Ends the outage: everything is forgotten but calls that still run. Answers the scopes that were used, by account. */
  end(): readonly { readonly account: string; readonly scopes: readonly LimitScope[] }[];
}

/** A local limiter. `liveWorkers` is the last count of workers, this one included. */
export function createLocalLimiter(deps: {
  readonly clock: Clock;
  readonly liveWorkers: () => number;
  /** Default 60 s. */
  readonly graceMs?: number;
}): LocalLimiter {
  const { clock, liveWorkers, graceMs = defaultGraceMs } = deps;
  let beganMs: number | undefined;
  let grants = 0;
  /** Per bucket, the moment in ms at which it will be full. */
  const fullAt = new Map<string, number>();
  const running = new Map<string, { readonly grant: number; readonly places: readonly string[] }>();
  const used = new Map<
    string,
    { readonly account: string; readonly scopes: readonly LimitScope[] }
  >();

  function assertOpen(request: LimitRequest, nowMs: number): void {
    beganMs ??= nowMs;
    if (nowMs - beganMs > graceMs)
      throw shut('it has been away for longer than a worker may go on alone');
    const dimensions = request.scopes.flatMap((scope) => scope.dimensions);
    if (dimensions.some(({ kind }) => kind === 'window')) {
      throw shut('without Redis nobody knows what is left of a window');
    }
    if (dimensions.some(({ charge }) => charge === 'micro_usd') && request.estimate.micro_usd > 0) {
      throw shut('without Redis no money is spent');
    }
  }

  /** The buckets that a call costs something, each with what it would be after it and how long that takes. */
  function bucketsOf({ account, scopes, estimate }: LimitRequest, nowMs: number) {
    const share = safeShare / Math.max(1, liveWorkers());
    return scopes.flatMap((scope) =>
      scope.dimensions
        .filter((dimension): dimension is RateDimension => dimension.kind === 'rate')
        .filter(({ charge }) => estimate[charge] > 0)
        .map((dimension) => {
          const key = `${account} ${scope.name} ${dimension.name}`;
          const burstMs = (dimension.burst * dimension.perMs) / dimension.limit;
          const costMs = (estimate[dimension.charge] * dimension.perMs) / dimension.limit / share;
          if (!fullAt.has(key)) fullAt.set(key, nowMs + burstMs);
          const backlogMs = Math.max(0, (fullAt.get(key) ?? 0) - nowMs);
          // A cost that the part cannot hold at once waits until the part is full, and leaves debt.
          const waitMs = backlogMs + Math.min(costMs, burstMs) - burstMs;
          const after = nowMs + backlogMs + costMs;
          return { key, after, waitMs, scope: scope.name, dimension: dimension.name };
        }),
    );
  }

  function placesOf({ account, scopes }: LimitRequest): { key: string; most: number }[] {
    return scopes.flatMap(({ name, maxConcurrent }) =>
      maxConcurrent === undefined
        ? []
        : [
            {
              key: `${account} ${name}`,
              most: Math.floor((maxConcurrent * safeShare) / Math.max(1, liveWorkers())),
            },
          ],
    );
  }

  function runningIn(place: string): number {
    return [...running.values()].filter(({ places }) => places.includes(place)).length;
  }

  return {
    reserve(request) {
      const nowMs = clock.now();
      const redisTimeUs = nowMs * 1_000;
      const former = running.get(request.id);
      if (former !== undefined) return { kind: 'go', grant: former.grant, redisTimeUs };
      assertReachable(request.scopes, request.estimate);
      assertOpen(request, nowMs);
      used.set(`${request.account} ${request.scopes.map(({ name }) => name).join()}`, request);

      const buckets = bucketsOf(request, nowMs);
      const slowest = buckets.reduce<(typeof buckets)[number] | undefined>(
        (longest, bucket) => (bucket.waitMs > (longest?.waitMs ?? 0) ? bucket : longest),
        undefined,
      );
      if (slowest !== undefined) {
        const { waitMs, scope, dimension } = slowest;
        return { kind: 'refuse', reason: 'limit', waitMs, scope, dimension, redisTimeUs };
      }
      const places = placesOf(request);
      const crowded = places.find(({ key, most }) => runningIn(key) >= most);
      if (crowded !== undefined) {
        const [scope, dimension] = [crowded.key.slice(request.account.length + 1), undefined];
        return {
          kind: 'refuse',
          reason: 'concurrency',
          waitMs: 250,
          scope,
          dimension,
          redisTimeUs,
        };
      }

      for (const { key, after } of buckets) fullAt.set(key, after);
      grants -= 1;
      running.set(request.id, { grant: grants, places: places.map(({ key }) => key) });
      return { kind: 'go', grant: grants, redisTimeUs };
    },
    settle: (id) => void running.delete(id),
    has: (id) => running.has(id),
    end() {
      const touched = [...used.values()].map(({ account, scopes }) => ({ account, scopes }));
      beganMs = undefined;
      fullAt.clear();
      used.clear();
      return touched;
    },
  };
}

function shut(reason: string): AppError {
  return new AppError('LIMITER_UNAVAILABLE', `Redis does not answer: ${reason}.`, {
    retryAfterMs: 5_000,
  });
}
