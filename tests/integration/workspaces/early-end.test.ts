// A sandbox that is ended while it is still being made is gone all the same: bubblewrap's processes are tied to each
// other only some milliseconds after they exist.
//   - ended by an abort
//   - ended with its worker
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeFlags } from '../../../cli/dev/checkout.ts';
import { until } from '../../support/ado-platform.ts';
import { processesWith } from '../../support/process-table.ts';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

test('an abort at any moment of the start leaves nothing', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  const marker = `3600.${randomInt(1e9, 1e10)}`;
  await world.sh(workspace, 'true'); // The helper process is there from now on.

  for (let moment = 0; moment < 60; moment += 1) {
    const stop = new AbortController();
    const run = world.sh(workspace, `sleep ${marker}`, { signal: stop.signal });
    await delay(moment / 3);
    stop.abort(new Error('stop'));
    await run.catch(() => undefined);
  }

  await until('no process is left', () => processesWith(marker).length === 0, 2_000);
});

test('a worker that is killed at the start of a sandbox leaves nothing', async () => {
  const world = createWorld();
  const { path, headCommit } = await world.prepare('task');
  const program = join(import.meta.dirname, 'run-program.process.ts');
  const marker = `3600.${randomInt(1e9, 1e10)}`;
  const command = [program, world.dataDir, path, headCommit, 'bubblewrap', `sleep ${marker}`];

  for (let round = 0; round < 12; round += 1) {
    const worker = spawn(process.execPath, [...nodeFlags(), ...command], { stdio: 'ignore' });
    const exit = once(worker, 'exit');
    const sandboxes = (): number[] => processesWith(marker).filter((pid) => pid !== worker.pid);
    while (sandboxes().length === 0) await delay(0);
    await delay(round / 2);
    worker.kill('SIGKILL');
    await exit;
  }

  await until('no process is left', () => processesWith(marker).length === 0, 2_000);
});
