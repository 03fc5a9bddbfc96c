// What a worker answers by itself of a provider that does not want to be called.
import type { LimitAnswer } from '../ports.ts';
import { createKnownRefusals } from './known-refusals.ts';

function aRefusal(reason: 'paused' | 'breaker' | 'limit', waitMs: number): LimitAnswer {
  return {
    kind: 'refuse',
    reason,
    waitMs,
    scope: undefined,
    dimension: undefined,
    redisTimeUs: 0,
  };
}

describe('refusals that are known', () => {
  let nowMs = 0;
  const known = () => createKnownRefusals({ now: () => nowMs });
  beforeEach(() => {
    nowMs = 1_000_000;
  });

  test('a long pause is believed for a second, with the wait that is left', () => {
    const refusals = known();
    refusals.heard('account-1', 'model-1', aRefusal('paused', 60_000));
    nowMs += 999;
    expect(refusals.find('account-1', 'model-1')).toMatchObject({
      reason: 'paused',
      waitMs: 59_001,
    });
    expect(refusals.find('account-1', 'model-2')).toBeUndefined();
    expect(refusals.find('account-2', 'model-1')).toBeUndefined();

    nowMs += 1;

    expect(refusals.find('account-1', 'model-1')).toBeUndefined();
  });

  test('a short one is over when it is over', () => {
    const refusals = known();
    refusals.heard('account-1', 'model-1', aRefusal('breaker', 200));

    nowMs += 200;

    expect(refusals.find('account-1', 'model-1')).toBeUndefined();
  });

  test('what is refused for a limit is asked again', () => {
    const refusals = known();

    refusals.heard('account-1', 'model-1', aRefusal('limit', 5_000));

    expect(refusals.find('account-1', 'model-1')).toBeUndefined();
  });

  test('a success ends a breaker here, but no pause', () => {
    const refusals = known();
    refusals.heard('account-1', 'model-1', aRefusal('breaker', 5_000));
    refusals.heard('account-1', 'model-2', aRefusal('paused', 5_000));

    refusals.succeeded('account-1', 'model-1');
    refusals.succeeded('account-1', 'model-2');

    expect(refusals.find('account-1', 'model-1')).toBeUndefined();
    expect(refusals.find('account-1', 'model-2')).toBeDefined();
  });

  test('a pause that Redis could not be told holds to its end, is never shortened, and is told once', async () => {
    const refusals = known();
    const told: unknown[] = [];
    refusals.pause('account-1', 'model-1', 5_000);
    refusals.pause('account-1', 'model-1', 100);
    nowMs += 3_000;
    expect(refusals.find('account-1', 'model-1')).toMatchObject({
      reason: 'paused',
      waitMs: 2_000,
    });
    const failing = () => Promise.reject(new Error('away'));
    await expect(refusals.tellPauses(failing)).rejects.toThrow('away');

    const tell = (...pause: unknown[]) => Promise.resolve(void told.push(pause));
    await refusals.tellPauses(tell);
    await refusals.tellPauses(tell);

    expect(told).toEqual([['account-1', 'model-1', 2_000]]);
  });
});
