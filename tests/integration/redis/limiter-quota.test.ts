// What four processes of 64 callers may take together.
//   - over no window more than burst + rate × window
//   - nearly all that the limit allows, while there are callers
//   - a repeated reserve costs nothing
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testService } from '../../support/environment.ts';
import type { LimitScope } from '../../../adapters/ports.ts';
import type { CallersResult, CallersTask } from './limiter-callers.process.ts';
import {
  anAccount,
  aRate,
  aScopeOf,
  largestExcess,
  openLimiterWorld,
  type Admission,
  type LimiterWorld,
} from './limiter-world.ts';

const runMs = 12_000;
const processes = 4;

describe('the quota of an account', () => {
  let world: LimiterWorld;
  beforeAll(() => {
    world = openLimiterWorld(testService('redisUrl'));
  });
  afterAll(() => world.close());

  async function run(task: Pick<CallersTask, 'account' | 'callMs' | 'error' | 'scopes'>) {
    const program = fileURLToPath(new URL('limiter-callers.process.ts', import.meta.url));
    const whole: CallersTask = {
      url: testService('redisUrl'),
      callers: 64,
      untilMs: Date.now() + runMs,
      ...task,
    };
    const outputs = await Promise.all(
      Array.from({ length: processes }, () =>
        promisify(execFile)(process.execPath, [program, JSON.stringify(whole)], {
          maxBuffer: 2 ** 26,
        }),
      ),
    );
    const results = outputs.map(({ stdout }) => JSON.parse(stdout) as CallersResult);
    const calls = results.flatMap(({ admissions }) => admissions);
    const sum = (key: 'replays' | 'replaysCharged' | 'lost'): number =>
      results.reduce((total, result) => total + result[key], 0);
    return {
      requests: calls.map(([atUs]) => ({ atUs, cost: 1 })),
      tokens: calls.map(([atUs, cost]) => ({ atUs, cost })),
      replays: sum('replays'),
      replaysCharged: sum('replaysCharged'),
      lost: sum('lost'),
    };
  }

  /** Share of what a rate allows, from 3 s after the first admission, when all callers are in the line, to the last. */
  function usedShare(admissions: readonly Admission[], unitsPerUs: number): number {
    const sorted = [...admissions].sort((one, other) => one.atUs - other.atUs);
    const beginUs = (sorted[0]?.atUs ?? 0) + 3e6;
    const later = sorted.filter(({ atUs }) => atUs > beginUs);
    const cost = later.reduce((sum, each) => sum + each.cost, 0);
    return cost / (((later.at(-1)?.atUs ?? 0) - beginUs) * unitsPerUs);
  }

  test('is used to 99 % and never exceeded, and replays are not charged', async () => {
    const rate = aRate({ limit: 200, perMs: 1_000, burst: 200 });
    const tokens = aRate({
      ...rate,
      name: 'input',
      charge: 'uncached_input',
      limit: 1e6,
      burst: 1e6,
    });
    const scopes = [aScopeOf([rate, tokens]), aScopeOf([rate], { name: 'model:m' })];

    const account = anAccount();
    await world.fill(account, scopes);

    const result = await run({ account, callMs: 0, error: 0, scopes });

    const { requests, replays, replaysCharged, lost } = result;
    const excess = largestExcess(requests, 200 / 1e6);
    const used = usedShare(requests, 200 / 1e6);
    say('exact estimates', {
      admitted: requests.length,
      excess,
      used,
      replays,
      replaysCharged,
      lost,
    });
    expect(excess).toBeLessThanOrEqual(200 + 1e-6);
    expect(used).toBeGreaterThanOrEqual(0.99);
    expect(replays).toBeGreaterThan(1_000);
    expect(replaysCharged).toBe(0);
  });

  test('is used to 95 % and never exceeded when estimates are off by up to 30 %', async () => {
    // The provider's burst; ours leaves 5 % of it to what calls under way cost more than estimated.
    const burst = 20_000;
    const tokens = aRate({
      name: 'input',
      charge: 'uncached_input',
      limit: 20_000,
      perMs: 1_000,
      burst: 0.95 * burst,
    });
    const scopes: LimitScope[] = [aScopeOf([tokens])];

    const account = anAccount();

    const { tokens: admitted, lost } = await run({ account, callMs: 50, error: 0.3, scopes });

    const excess = largestExcess(admitted, 20_000 / 1e6);
    const used = usedShare(admitted, 20_000 / 1e6);
    say('estimates ±30 %', { admitted: admitted.length, excess, used, lost });
    expect(excess).toBeLessThanOrEqual(burst);
    expect(used).toBeGreaterThanOrEqual(0.95);
  });

  function say(what: string, figures: Record<string, number>): void {
    process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`);
  }
});
