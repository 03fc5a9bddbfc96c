// One tenant floods an account, nine send little.
//   - each gets what it asks for, up to its share; the light ones hardly wait
//   - what the light ones leave, the flood gets
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitScope, RateLimiter } from '../../../adapters/ports.ts';
import { testService } from '../../support/environment.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  openLimiterWorld,
  untilGo,
  type LimiterWorld,
} from './limiter-world.ts';

const tenants = 10;
const perSecond = 100;
const runMs = 6_000;

describe('tenants of one account', () => {
  let world: LimiterWorld;
  beforeAll(() => {
    world = openLimiterWorld(testService('redisUrl'));
  });
  afterAll(() => world.close());

  test('share it fairly while one floods it with 1,000 calls at once', async () => {
    const account = anAccount();
    const limiter = await world.limiter();
    const scopesOf = (tenant: number): LimitScope[] => [
      aScopeOf([aRate({ limit: perSecond, perMs: 1_000, burst: perSecond })]),
      aScopeOf([aRate({ limit: perSecond / tenants, perMs: 1_000, burst: perSecond / tenants })], {
        name: `tenant:${tenant}`,
        share: true,
      }),
    ];
    const endMs = Date.now() + runMs;
    const over = (): boolean => Date.now() >= endMs;
    const went = Array.from({ length: tenants }, () => 0);
    const lightWaitsMs: number[] = [];
    async function call(tenant: number): Promise<void> {
      const request = aReserve(account, scopesOf(tenant), { horizonMs: 300_000 });
      const began = performance.now();
      if ((await untilGo(limiter, request, over)) === undefined) return;
      went[tenant] = (went[tenant] ?? 0) + 1;
      if (tenant > 0) lightWaitsMs.push(performance.now() - began);
    }
    const callsOfLight = 10;
    async function light(tenant: number): Promise<void> {
      await sleep(runMs / 10);
      for (let turn = 0; turn < callsOfLight; turn += 1) {
        await call(tenant);
        await sleep((runMs * 0.7) / callsOfLight);
      }
    }

    await Promise.all([
      ...Array.from({ length: 1_000 }, () => call(0)),
      ...Array.from({ length: tenants - 1 }, (_, index) => light(index + 1)),
    ]);

    const fairShare = (perSecond / tenants) * (runMs / 1_000);
    const shares = went.map((calls, tenant) =>
      Math.min(1, calls / (tenant === 0 ? fairShare : Math.min(fairShare, callsOfLight))),
    );
    const jain = sum(shares) ** 2 / (tenants * sum(shares.map((share) => share ** 2)));
    const used = sum(went) / (perSecond * (runMs / 1_000));
    lightWaitsMs.sort((one, other) => one - other);
    const lightP99Ms = lightWaitsMs[Math.floor(lightWaitsMs.length * 0.99)] ?? Number.NaN;
    const alone = await aloneMs(limiter);
    process.stderr.write(`fairness: ${JSON.stringify({ jain, went, used, lightP99Ms, alone })}\n`);
    expect(jain).toBeGreaterThanOrEqual(0.98);
    expect(went.slice(1).every((calls) => calls === callsOfLight)).toBe(true);
    expect(used).toBeGreaterThan(0.6);
    // Alone, a call is a round trip; this is one in a process that also runs the flood.
    expect(lightP99Ms).toBeLessThan(100);
  });

  async function aloneMs(limiter: RateLimiter): Promise<number> {
    const began = performance.now();
    const scopes = [aScopeOf([aRate()])];
    const account = anAccount();
    await world.fill(account, scopes);
    await untilGo(limiter, aReserve(account, scopes));
    return performance.now() - began;
  }
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
