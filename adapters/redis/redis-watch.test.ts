// When a worker shares the limits, when it goes on alone, and when it does neither.
//   - a failure that is over soon leads to neither
//   - alone only after a time without any answer, and only while looks fail
//   - shared again only after Redis was told what was used, and a while later
import { AppError } from '../../contracts/errors.ts';
import { createRedisWatch, watchTimes, type RedisWatch } from './redis-watch.ts';

describe('the watch over Redis', () => {
  let [isThere, counted, beats, restored] = [true, 3, 0, 0];
  let watch: RedisWatch;
  const away: boolean[] = [];

  beforeEach(() => {
    jest.useFakeTimers();
    [isThere, counted, beats, restored] = [true, 3, 0, 0];
    away.length = 0;
    watch = createRedisWatch({
      live: {
        beat: () => {
          beats += 1;
          return answerOf(counted);
        },
        count: () => counted,
      },
      clock: { now: () => Date.now() },
      times: watchTimes,
      restore: () => {
        restored += 1;
        return answerOf(undefined);
      },
      onAway: (isAway) => away.push(isAway),
    });
  });
  afterEach(() => {
    watch.close();
    jest.useRealTimers();
  });

  function answerOf<T>(value: T): Promise<T> {
    if (isThere) return Promise.resolve(value);
    return Promise.reject(new AppError('LIMITER_UNAVAILABLE', 'away'));
  }
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  const call = () => watch.attempt(() => answerOf(1)).catch(() => undefined);

  test('beats every 5 s while calls are answered, and looks every 250 ms while there are none', async () => {
    await watch.start();
    for (let turn = 0; turn < 100; turn += 1) {
      await call();
      await pass(100);
    }
    expect(beats).toBe(3);

    await pass(1_000);

    expect(beats).toBeGreaterThanOrEqual(6);
    expect(watch.state()).toBe('well');
    expect(watch.workers()).toBe(3);
  });

  test('a failure that is over within a second is only a doubt', async () => {
    await watch.start();
    isThere = false;
    await call();
    expect(watch.state()).toBe('doubt');
    await pass(700);
    isThere = true;
    await pass(250);

    expect(watch.state()).toBe('well');
    expect(restored).toBe(1);
    expect(away).toEqual([]);
  });

  test('a worker without calls learns of an outage too, and is quiet after it like all others', async () => {
    await watch.start();
    isThere = false;
    await pass(1_600);
    expect(watch.state()).toBe('away');
    isThere = true;
    await pass(250);

    expect(watch.state()).toBe('quiet');
    expect(watch.waitMs()).toBeGreaterThan(700);
    expect(restored).toBe(1);
    await pass(1_000);
    expect(watch.state()).toBe('well');
    expect(away).toEqual([true, false]);
  });

  test('a worker that stalled for a second doubts, and is quiet, as it cannot know what others did', async () => {
    await watch.start();
    jest.setSystemTime(Date.now() + 1_100);
    expect(watch.state()).toBe('doubt');

    await pass(250);

    expect(watch.state()).toBe('quiet');
  });

  test('a worker alone that did not look for half a second lets nobody in', async () => {
    await watch.start();
    isThere = false;
    await pass(1_600);

    jest.setSystemTime(Date.now() + 600);

    expect(watch.state()).toBe('doubt');
  });

  test('Redis that goes again while it is told of the outage begins a new doubt', async () => {
    await watch.start();
    isThere = false;
    await pass(1_600);
    isThere = true;
    watch.look();
    isThere = false;
    await pass(250);

    expect(watch.state()).toBe('doubt');
    isThere = true;
    await pass(250);
    expect(watch.state()).toBe('quiet');
  });

  test('more workers are believed at once, fewer only after a life without an outage', async () => {
    await watch.start();
    counted = 5;
    await pass(500);
    expect(watch.workers()).toBe(5);
    isThere = false;
    await pass(60_000);
    isThere = true;
    counted = 1;
    await pass(2_000);
    expect(watch.workers()).toBe(5);

    await pass(15_000);

    expect(watch.workers()).toBe(1);
  });
});
