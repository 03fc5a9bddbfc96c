// The power goes.
//   F52  everything is killed at the same moment; what was accepted goes on soon after everything is back
import { makeRepositories } from '../support/repositories.ts';
import { batchOutcome, unharmed } from './batch-outcome.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(async () => world.stop());

test('F52: a batch outlives two losses of power', async () => {
  const ado = await world.startAdo({ revive: false });
  const repositories = makeRepositories(18);
  const { id } = await ado.submitBatch({
    prompt: 'Outlive the dark',
    agent: 'command',
    exec: 'sleep 0.5; echo done >> README.md',
    parallel: 4,
    items: repositories.map((repository) => ({ repository })),
  });
  const parts = [world.postgres, world.temporal, world.redis, ado.api, ado.worker];

  let hits = 0;
  let ended = 0;
  let backAt = 0;
  const firstProgress: number[] = [];
  for await (const { type } of ado.follow(id, 200_000)) {
    if (type !== 'item-ended') continue;
    ended += 1;
    if (backAt > 0) firstProgress.push(Date.now() - backAt);
    backAt = 0;
    if (hits === 2 || ended < (hits + 1) * 5) continue;
    hits += 1;
    await Promise.all(parts.map(async (part) => part.kill9()));
    await Promise.all([world.postgres.restart(), world.redis.restart()]);
    await world.temporal.restart();
    await Promise.all([ado.api.restart(), ado.worker.restart()]);
    backAt = Date.now();
  }

  const outcome = await batchOutcome(ado, id, repositories);
  const slowest = Math.round(Math.max(...firstProgress) / 100) / 10;
  report(
    'F52',
    { of: 'everything killed', count: hits, atLeast: 2 },
    {
      'first progress after the return (s, slowest)': slowest,
      ...outcome,
    },
  );
  await ado.stop();
  expect(outcome).toEqual(unharmed);
  expect(slowest).toBeLessThanOrEqual(60);
}, 300_000);
