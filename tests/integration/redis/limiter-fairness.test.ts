// One tenant floods an account from processes of its own, nine send little from another.
//   - each gets what it asks for, up to its share
//   - the light ones wait hardly longer than alone, at the same pace in the same run
//   - what the light ones leave, the flood gets, and does not ask for more often than it may go
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { testService } from '../../support/environment.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  openLimiterWorld,
  type LimiterWorld,
} from './limiter-world.ts';
import type { TenantsResult, TenantsTask } from './limiter-tenants.process.ts';

const perSecond = 100;
const tenants = 10;
const light = Array.from({ length: tenants - 1 }, (_, index) => index + 1);
const callsOfLight = 30;
const runMs = 7_000;
const rounds = 2;
const program = fileURLToPath(new URL('limiter-tenants.process.ts', import.meta.url));

describe('tenants of one account', () => {
  let world: LimiterWorld;
  beforeAll(() => {
    world = openLimiterWorld(testService('redisUrl'));
  });
  afterAll(() => world.close());

  async function run(task: Omit<TenantsTask, 'url' | 'perSecond' | 'parts'>) {
    const whole: TenantsTask = { url: testService('redisUrl'), perSecond, parts: tenants, ...task };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [program, JSON.stringify(whole)],
      { maxBuffer: 2 ** 26 },
    );
    return JSON.parse(stdout) as TenantsResult;
  }

  /** Two processes flood with 500 callers each, or none do; the light ones call all the while. */
  async function runRound(floods: number) {
    const account = anAccount();
    const fromMs = Date.now() + 1_500;
    const times = { account, fromMs, untilMs: fromMs + runMs };
    const flood = Array.from({ length: floods }, () =>
      run({ ...times, tenants: [0], callers: 500, calls: 1, paceMs: 0 }),
    );
    // They begin when the flood stands in line and has used what the account had.
    const lights = await run({
      account,
      tenants: light,
      callers: 1,
      calls: callsOfLight,
      paceMs: (runMs * 0.75) / callsOfLight,
      fromMs: fromMs + runMs / 10,
      // Whatever the machine does, all of them come to their end.
      untilMs: fromMs + 3 * runMs,
    });
    const floodResults = await Promise.all(flood);
    return {
      ...lights,
      flood: sum(floodResults.map(({ waitsMs }) => waitsMs[0]?.length ?? 0)),
      floodAsked: sum(floodResults.map(({ asked }) => asked)),
    };
  }

  test('share it fairly while one floods it with 1,000 calls at once', async () => {
    const alone = [];
    const flooded = [];
    for (let round = 0; round < rounds; round += 1) {
      alone.push(await runRound(0));
      flooded.push(await runRound(2));
    }

    const fairShare = (perSecond / tenants) * (runMs / 1_000);
    const jains = flooded.map(({ flood, waitsMs }) => {
      const shares = [flood / fairShare, ...waitsMs.map(({ length }) => length / callsOfLight)];
      return jainOf(shares.map((share) => Math.min(1, share)));
    });
    const calls = flooded.map(
      ({ flood, waitsMs }) => flood + sum(waitsMs.map((some) => some.length)),
    );
    const figures = {
      jain: Math.min(...jains),
      used: sum(calls) / rounds / (perSecond * (runMs / 1_000)),
      floodAsked: Math.max(...flooded.map(({ floodAsked }) => floodAsked)),
      alone: waitsOf(alone),
      flooded: waitsOf(flooded),
    };
    process.stderr.write(`fairness: ${JSON.stringify(figures)}\n`);
    expect(figures.jain).toBeGreaterThanOrEqual(0.98);
    // The account begins empty, and only what is above four fifths of its burst is lent.
    expect(figures.used).toBeGreaterThan(0.7);
    // Once at first, and then at the pace of the rate, in two lines; on a busy machine some come late and ask again. Asked
    // all the time, it would be tens of thousands.
    expect(figures.floodAsked).toBeLessThan(1_000 + 8 * perSecond * (runMs / 1_000));
    // On a busy machine a call alone takes 100 ms now and then.
    expect(figures.flooded.p99).toBeLessThanOrEqual(Math.max(2 * figures.alone.p99, 100));
  });

  test('a flood into an empty account takes no more places than its share, and the next tenant stands behind those', async () => {
    const account = anAccount();
    const limiter = await world.limiter();
    const scopesOf = (tenant: string) => [
      aScopeOf([aRate({ limit: 100, perMs: 1_000, burst: 100 })]),
      aScopeOf([aRate({ limit: 10, perMs: 1_000, burst: 10 })], { name: tenant, share: true }),
    ];
    const flood = scopesOf('tenant:1');
    // Quick, as the bucket fills meanwhile.
    await Promise.all(
      Array.from({ length: 100 }, () =>
        limiter.reserve(aReserve(account, flood, { horizonMs: 300_000 })),
      ),
    );

    const answer = await limiter.reserve(
      aReserve(account, scopesOf('tenant:2'), { horizonMs: 300_000 }),
    );

    // 10 places of 10 ms, and its own.
    expect(answer.kind === 'go' ? 0 : answer.waitMs).toBeLessThanOrEqual(120);
  });
});

function waitsOf(runs: readonly TenantsResult[]) {
  const waits = runs.flatMap(({ waitsMs }) => waitsMs.flat()).sort((one, other) => one - other);
  const at = (share: number): number => waits[Math.floor(waits.length * share)] ?? Number.NaN;
  const heldBack = sum(runs.map((one) => one.heldBack));
  return { calls: waits.length, p50: at(0.5), p99: at(0.99), heldBack };
}

/** 1 when all shares are the same, 1 ÷ their number when one has all. */
function jainOf(shares: readonly number[]): number {
  return sum(shares) ** 2 / (shares.length * sum(shares.map((share) => share ** 2)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
