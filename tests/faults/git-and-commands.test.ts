// A worker that dies in the middle of its work leaves nothing behind and does nothing twice.
//   F02  killed while a command runs: its processes die with it, the command runs again in a fresh worktree
//   F03  killed inside a commit: no commit missing, none twice, no lock left, repositories sound
//   F04  killed after an effect and before anybody was told of it: recorded once
//   F06  stopped, replaced, and woken up again: nothing that it then writes is taken
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CrashPointName } from '../../adapters/ports.ts';
import { until } from '../support/ado-platform.ts';
import { processesWith } from '../support/process-table.ts';
import { makeRepositories } from '../support/repositories.ts';
import { batchOutcome, unharmed } from './batch-outcome.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(async () => world.stop());

test('F02: a killed worker takes its commands along, and they run again from a clean tree', async () => {
  await world.withAdo({}, async (ado) => {
    const repositories = makeRepositories(4);
    const marker = `3.${randomInt(1e9, 1e10)}`;
    const { id } = await ado.submitBatch({
      prompt: 'Run undisturbed',
      agent: 'command',
      exec: `[ ! -e dirty ] || exit 9; touch dirty; sleep ${marker}; rm dirty; echo done > done`,
      parallel: 4,
      items: repositories.map((repository) => ({ repository })),
    });

    let hits = 0;
    const orphans: number[] = [];
    for (let kill = 0; kill < 2; kill += 1) {
      await until('commands run', () => processesWith(marker).length > 0, 40_000);
      hits += 1;
      await ado.worker.kill9();
      await delay(1_000); // The figure is what is left after a second.
      orphans.push(processesWith(marker).length);
    }
    await ado.ended(id, 90_000);

    const outcome = await batchOutcome(ado, id, repositories);
    const left = Math.max(...orphans);
    report(
      'F02',
      { of: 'kills while commands ran', count: hits, atLeast: 2 },
      { orphans: left, ...outcome },
    );
    expect({ left, ...outcome }).toEqual({ left: 0, ...unharmed });
  });
}, 180_000);

test('F03, F04: workers that die in a commit, or before they could tell of an effect, do nothing twice', async () => {
  const points: readonly CrashPointName[] = [
    'slot.afterAcquire.beforeRunning',
    'tool.afterExit.beforeSnapshot',
    'git.afterImport.beforeRef',
    'git.afterRef.beforeReturn',
    'deliver.afterPush.beforeRecord',
    'task.afterFinish.beforeReturn',
  ];
  const perPoint = 4;
  // Each worker has one task at a time, so that a crash concerns the task alone that ran into it.
  const fragile = {
    ADO_POOLS: 'agents',
    ADO_AGENT_SLOTS: '1',
    ADO_CRASHPOINTS: points.map((name) => `${name}=kill9*${perPoint}`).join(','),
  };
  await world.withAdo(
    { workers: [{ ADO_POOLS: 'workflows,models' }, fragile, fragile, fragile] },
    async (ado) => {
      const repositories = makeRepositories(24);

      const { id } = await ado.submitBatch({
        prompt: 'Crash everywhere',
        agent: 'command',
        exec: 'echo done >> README.md',
        parallel: 24,
        items: repositories.map((repository) => ({ repository })),
      });
      await ado.ended(id, 200_000);

      const outcome = await batchOutcome(ado, id, repositories);
      const hits = points.map((name) => ado.crashes(name));
      const least = Math.min(...hits);
      report(
        'F03 F04',
        { of: 'crashes at each point', count: least, atLeast: perPoint },
        {
          'crashes in all': hits.reduce((sum, count) => sum + count, 0),
          ...outcome,
        },
      );
      expect(outcome).toEqual(unharmed);
    },
  );
}, 300_000);

test('F06: a worker that was replaced while it was frozen writes nothing when it wakes up', async () => {
  const points: readonly CrashPointName[] = [
    'tool.afterExit.beforeSnapshot',
    'git.afterImport.beforeRef',
    'deliver.afterPush.beforeRecord',
  ];
  const slow = { ADO_CRASHPOINTS: points.map((name) => `${name}=sleep:6000`).join(',') };
  await world.withAdo({ workers: [slow] }, async (ado) => {
    const repositories = makeRepositories(3);
    const { id } = await ado.submitBatch({
      prompt: 'Freeze',
      agent: 'command',
      exec: 'echo done >> README.md',
      parallel: 3,
      items: repositories.map((repository) => ({ repository })),
    });
    const inWindow = (): number => points.filter((name) => ado.crashes(name) === 1).length;
    await until('a task waits at each point', () => inWindow() === points.length);

    const zombie = ado.worker.pid() ?? 0;
    process.kill(zombie, 'SIGSTOP');
    await ado.addWorker({});
    const events = await ado.ended(id, 90_000);
    process.kill(zombie, 'SIGCONT');
    // Asked to end, it first lets its activities go on to theirs.
    await ado.worker.stop();

    const outcome = await batchOutcome(ado, id, repositories);
    const late = (await ado.listEvents(id)).length - events.length;
    report(
      'F06',
      { of: 'tasks frozen in a window', count: inWindow(), atLeast: points.length },
      {
        'zombie writes accepted': late,
        ...outcome,
      },
    );
    expect({ late, ...outcome }).toEqual({ late: 0, ...unharmed });
  });
}, 180_000);
