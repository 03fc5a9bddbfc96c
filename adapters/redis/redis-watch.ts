/**
 * Whether Redis is there for the limiter, as one worker sees it.
 *
 * The trade: a worker that goes on alone must not do so while others still share, nor share while others are still
 * alone; else both take from the same limit. Nobody can ask the others, so each waits long enough to know.
 *
 * - `well`: somebody got an answer less than `doubtMs` ago. Calls are shared.
 * - `doubt`: an answer failed, or none was asked for so long. Nobody is let in, neither shared nor alone. A connection
 *   that was cut, or a Redis that paused, is back before it is over. After `doubtMs` of failures: `away`.
 * - `away`: every look fails. The worker takes its own part. That needs a failure younger than two looks.
 * - `quiet`: Redis answers again after `doubtMs` or more without an answer. Nobody is let in for `quietMs`: every other
 *   worker has looked and stopped by then, and has told Redis what it used (`restore`). Then `well`.
 *
 * So whoever goes on alone does it `doubtMs` after the last shared answer of everybody, and whoever shares again does it
 * `quietMs` after Redis was back. What this cannot cover: a worker that alone is cut off takes its part, at most
 * 80 % ÷ workers, beside what the others share.
 *
 * A look is a beat of LiveWorkers: one command of one worker, not one of each caller. It is made every `lookMs` in which
 * no call was answered, and at least every `beatMs`.
 */
import { AppError } from '../../contracts/errors.ts';
import type { Clock, LiveWorkers } from '../ports.ts';

/** Times of the watch, in milliseconds. */
export interface WatchTimes {
  /** Between two looks. Default 250: less than half of `quietMs`, as two may be needed. */
  readonly lookMs: number;
  /** Without an answer before a worker goes on alone. Default 1,000: longer than most stalls of a process. */
  readonly doubtMs: number;
  /** After Redis is back. Default 1,000: a lost connection is back after 500 at most, and a look is as young as 500. */
  readonly quietMs: number;
  /** Between two beats. Default 5,000. */
  readonly beatMs: number;
  /** Life of a beat, and how long fewer workers must be counted before fewer are believed. Default 15,000. */
  readonly lifeMs: number;
}

/** The defaults; each says why above. */
export const watchTimes: WatchTimes = {
  lookMs: 250,
  doubtMs: 1_000,
  quietMs: 1_000,
  beatMs: 5_000,
  lifeMs: 15_000,
};

/** What may be done; see the head of the file. */
export type WatchState = 'well' | 'doubt' | 'away' | 'quiet';

/** The watch of one worker. */
export interface RedisWatch {
  /** Begins to look; answers after the first look, whatever it saw. */
  start(): Promise<void>;
  close(): void;
  state(): WatchState;
  /** How long to wait before asking again, in ms, where nobody is let in. */
  waitMs(): number;
  /** Looks at once, as Redis may be back. */
  look(): void;
  /** How many workers there are; undefined before the first answer. */
  workers(): number | undefined;
  /**
   * Does something with Redis and notes whether it was there.
   * @throws LIMITER_UNAVAILABLE and whatever the work throws
   */
  attempt<T>(work: () => Promise<T>): Promise<T>;
}

/** What a watch is made of. */
export interface WatchOptions {
  readonly live: LiveWorkers;
  readonly clock: Clock;
  readonly times: WatchTimes;
  /** Called when Redis answers after a failure, until it succeeds; before anything is shared again. */
  readonly restore: () => Promise<void>;
  /** Called when the worker goes on alone, and when it shares again. */
  readonly onAway: (isAway: boolean) => void;
}

/** A watch that does nothing before `start`. */
export function createRedisWatch(options: WatchOptions): RedisWatch {
  const { live, clock, times, restore, onAway } = options;
  let phase: WatchState = 'well';
  let isAway = false;
  /** Failures so far, and how many of them had been seen when `restore` last began and succeeded. */
  let [failures, mended] = [0, 0];
  /** When the last command was sent that was answered. */
  let answeredMs = clock.now();
  let [firstNoMs, lastNoMs, quietUntilMs, beatAtMs] = [0, 0, 0, 0];
  let count: number | undefined;
  let fewerSinceMs = 0;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function failed(): void {
    const nowMs = clock.now();
    lastNoMs = nowMs;
    if (phase === 'well' || phase === 'quiet') [phase, firstNoMs] = ['doubt', nowMs];
    failures += 1;
    if (phase === 'doubt' && nowMs - firstNoMs >= times.doubtMs) {
      phase = 'away';
      tell(true);
    }
  }

  function tell(away: boolean): void {
    if (away === isAway) return;
    isAway = away;
    onAway(away);
  }

  /** More workers are believed at once. Fewer only after a life: others may not have beaten again after an outage. */
  function believe(counted: number, nowMs: number): void {
    const believed = count ?? 0;
    if (counted >= believed || nowMs - fewerSinceMs > times.lifeMs) {
      [count, fewerSinceMs] = [counted, nowMs];
    }
  }

  async function look(): Promise<void> {
    const sentMs = clock.now();
    try {
      const counted = await live.beat();
      beatAtMs = sentMs;
      if (phase === 'away') fewerSinceMs = sentMs;
      believe(counted, sentMs);
      const wasLongGone = phase === 'away' || sentMs - answeredMs >= times.doubtMs;
      answeredMs = sentMs;
      if (wasLongGone) [phase, quietUntilMs] = ['quiet', clock.now() + times.quietMs];
      const seen = failures;
      if (mended < seen || wasLongGone) await restore();
      mended = seen;
      if (phase === 'doubt') phase = 'quiet';
      settle();
    } catch {
      failed();
    }
  }

  /** Ends a quiet time that is over. */
  function settle(): void {
    if (phase !== 'quiet' || mended < failures || clock.now() < quietUntilMs) return;
    phase = 'well';
    tell(false);
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  function tick(): void {
    settle();
    const nowMs = clock.now();
    const isDue = nowMs - answeredMs >= times.lookMs || nowMs - beatAtMs >= times.beatMs;
    if (phase !== 'well' || isDue) void lookOnce();
  }

  function state(): WatchState {
    settle();
    const nowMs = clock.now();
    if (phase === 'well' && nowMs - answeredMs >= times.doubtMs) return 'doubt';
    if (phase === 'away' && nowMs - lastNoMs > 2 * times.lookMs) return 'doubt';
    return phase;
  }

  return {
    start() {
      answeredMs = clock.now();
      timer ??= setInterval(tick, times.lookMs).unref();
      return lookOnce();
    },
    close() {
      clearInterval(timer);
      timer = undefined;
    },
    state,
    waitMs: () => (phase === 'quiet' ? Math.max(1, quietUntilMs - clock.now()) : times.lookMs),
    look: () => void lookOnce(),
    workers: () => count,
    async attempt(work) {
      const sentMs = clock.now();
      try {
        const done = await work();
        if (phase === 'well') answeredMs = Math.max(answeredMs, sentMs);
        return done;
      } catch (error) {
        if (isUnavailable(error)) {
          failed();
          void lookOnce();
        }
        throw error;
      }
    },
  };
}

/** Whether an error says that Redis did not answer. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof AppError && error.code === 'LIMITER_UNAVAILABLE';
}
