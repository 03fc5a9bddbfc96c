/** A rate limiter whose answers and round trips are counted. */
import type { ModelCallMetrics, RateLimiter } from '../ports.ts';

/** Wraps a limiter. What it answers and throws stays the same. */
export function measureLimiter(
  limiter: RateLimiter,
  metrics: Pick<ModelCallMetrics, 'limitDecided' | 'limiterAsked'>,
): RateLimiter {
  const timed = async <T>(ask: () => Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    try {
      return await ask();
    } finally {
      metrics.limiterAsked(performance.now() - startedMs);
    }
  };
  return {
    async reserve(request) {
      const answer = await timed(() => limiter.reserve(request));
      metrics.limitDecided(answer, request.scopes);
      return answer;
    },
    settle: (held, outcome) => timed(() => limiter.settle(held, outcome)),
    extend: (held) => timed(() => limiter.extend(held)),
    sync: (account, reading) => timed(() => limiter.sync(account, reading)),
    pause: (account, model, forMs) => timed(() => limiter.pause(account, model, forMs)),
    peek: (account, model, scopes) => timed(() => limiter.peek(account, model, scopes)),
  };
}
