// Everything dies, and the batch ends as if nothing had.
//   - a worker is killed five times, the API twice, Temporal once, and PostgreSQL is restarted
//   - every repository has one branch with one commit; no item is lost, none starts or ends twice
//   - no more items were ever at work than asked for; soon after the end nothing runs any more
import { randomInt } from 'node:crypto';
import type { Ado } from '../support/ado-platform.ts';
import { keepAlive, until } from '../support/ado-platform.ts';
import { processesWith } from '../support/process-table.ts';
import { makeRepositories } from '../support/repositories.ts';
import { batchOutcome, runningWorkflows, unharmed } from './batch-outcome.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
let ado: Ado;
/** Looked after like the rest: it may also die of PostgreSQL's restart. */
let temporal: ReturnType<typeof keepAlive>;
beforeAll(async () => {
  world = await openFaultWorld();
  temporal = keepAlive(world.temporal);
  ado = await world.startAdo({ workers: [{}, {}] });
});
afterAll(async () => {
  await temporal.letGo();
  await ado.stop();
  await world.stop();
});

test('a batch of 100 outlives every part of the platform', async () => {
  const repositories = makeRepositories(100);
  const marker = `1.${randomInt(1e9, 1e10)}`;
  const began = Date.now();
  const killWorker = (place: number) => async () => ado.workers[place]?.kill9();
  const killApi = async () => ado.api.kill9();
  /** What is broken once so many items have ended. */
  const plan: readonly (readonly [ended: number, () => Promise<unknown>])[] = [
    [5, killWorker(0)],
    [15, killApi],
    [20, killWorker(1)],
    [32, async () => temporal.kill9()],
    [40, killWorker(0)],
    [52, async () => world.postgres.restart()],
    [60, killApi],
    [65, killWorker(1)],
    [80, killWorker(0)],
  ];

  const { id } = await ado.submitBatch({
    prompt: 'Outlive it',
    agent: 'command',
    exec: `sleep ${marker}; echo done >> README.md`,
    parallel: 20,
    items: repositories.map((repository) => ({ repository })),
  });
  // Seen in the process table: an item whose worker has died counts as running until it is taken up again.
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, processesWith(`sleep\0${marker}`).length);
  }, 200).unref();
  let hits = 0;
  let ended = 0;
  for await (const event of ado.follow(id, 300_000)) {
    if (event.type === 'item-ended') ended += 1;
    const next = plan[hits];
    if (next === undefined || ended < next[0]) continue;
    hits += 1;
    await next[1]();
  }

  clearInterval(looking);

  const outcome = await batchOutcome(ado, id, repositories);
  const seconds = Math.round((Date.now() - began) / 1_000);
  report(
    'headline',
    { of: 'kills and restarts', count: hits, atLeast: plan.length },
    {
      ...outcome,
      'most at work': most,
      seconds,
    },
  );
  expect(outcome).toEqual(unharmed);
  expect(await ado.getBatch(id)).toMatchObject({ status: 'succeeded', result: 'success' });
  expect(most).toBeGreaterThan(10);
  expect(most).toBeLessThanOrEqual(20);
  await until('no sandbox process is left', () => processesWith(marker).length === 0, 60_000);
  await until('no workflow runs', async () => (await runningWorkflows(ado)) === 0, 60_000);
}, 400_000);
