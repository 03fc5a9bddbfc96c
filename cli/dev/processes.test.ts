import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { endOrphans, endProcess, identify, isAlive, signalProcess } from './processes.ts';
import type { ProcessIdentity } from './processes.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(
  script: string,
  options: { detached?: boolean } = {},
): [ChildProcess, ProcessIdentity] {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], ...options });
  children.push(child);
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('The child did not start.');
  return [child, identity];
}

test('a process with the same pid and another start time is another process', () => {
  const self = identify(process.pid);

  expect(self !== undefined && isAlive(self)).toBe(true);
  expect(isAlive({ pid: process.pid, startTime: 'earlier' })).toBe(false);
  expect(signalProcess({ pid: process.pid, startTime: 'earlier' }, 'SIGKILL')).toBe(false);
});

test('a process that ignores the polite signal is ended by the next', async () => {
  const [child, identity] = start('trap "" TERM; echo ready; while :; do sleep 0.05; done');
  if (child.stdout !== null) await once(child.stdout, 'data');
  const ended = once(child, 'exit');

  await endProcess(identity, [{ signal: 'SIGTERM', graceMs: 100 }]);

  expect(await ended).toEqual([null, 'SIGKILL']);
});

test('what a dead leader left in its process group is ended', async () => {
  const [child, leader] = start('sleep 60 & echo $!; wait', { detached: true });
  const [line] = child.stdout === null ? [''] : ((await once(child.stdout, 'data')) as [Buffer]);
  const orphan = identify(Number(line.toString()));
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(orphan !== undefined && isAlive(orphan)).toBe(true);

  endOrphans(leader);

  await expect(untilDead(orphan)).resolves.toBe(true);
});

async function untilDead(identity: ProcessIdentity | undefined): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (identity === undefined || !isAlive(identity)) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}
