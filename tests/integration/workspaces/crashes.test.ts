/**
 * Workers that are killed in the middle of a commit: at every crash point, and at any moment.
 *   - each step is on the branch exactly once: no double, none missing
 *   - no lock is left, no repository damaged, and nothing has to be tidied up before the retry
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fsck, git, staleLocks } from '../../support/repositories.ts';
import { anError, createWorld, endWorlds, type World } from './world.ts';

afterAll(endWorlds);

/** Kills of each kind. */
const kills = 12;

/** Starts a worker on a step and lets it be killed, by itself or after a time. Answers whether it was. */
async function attempt(
  world: World,
  step: {
    headCommit: string;
    effectId: string;
    key?: string;
    crashpoints?: string;
    killAfterMs?: number;
  },
): Promise<boolean> {
  const { dataDir, repository } = world;
  const { headCommit, effectId, key = 'task', crashpoints = '' } = step;
  const args = [dataDir, repository, headCommit, key, effectId, crashpoints];
  const worker = spawn(process.execPath, [join(__dirname, 'run-step.process.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(worker, 'exit');
  await Promise.race([once(worker.stdout, 'data'), ended]);
  if (step.killAfterMs !== undefined) {
    await sleep(step.killAfterMs);
    worker.kill('SIGKILL');
  }
  const [, signal] = (await ended) as [number | null, string | null];
  return signal === 'SIGKILL';
}

/** The retry, by a worker that lives: a fresh worktree at the last commit on record. */
async function retry(world: World, headCommit: string, effectId: string): Promise<string> {
  const workspace = await world.prepare('task', { headCommit });
  await world.sh(workspace, `echo ${effectId} >> steps; echo retry > attempt`);
  const result = await world.commit(workspace, { effectId, message: `Step ${effectId}` });
  expect(result.committed).toBe(true);
  return result.commit;
}

const kinds = [
  ['after the import, before the ref', () => ({ crashpoints: 'git.afterImport.beforeRef=kill9' })],
  ['after the ref, before the answer', () => ({ crashpoints: 'git.afterRef.beforeReturn=kill9' })],
  ['at any moment', (turn: number) => ({ killAfterMs: turn * 4 })],
] as const;

test.each(kinds)(
  'killed %s, every step is on the branch once',
  async (_name, killing) => {
    const world = createWorld();
    const mirrors = join(world.dataDir, 'mirrors');
    let headCommit = world.baseCommit;
    let killed = 0;
    const effects: string[] = [];

    for (let turn = 0; turn < kills; turn += 1) {
      const effectId = `step-${turn}`;
      effects.push(effectId);
      if (await attempt(world, { headCommit, effectId, ...killing(turn) })) killed += 1;
      headCommit = await retry(world, headCommit, effectId);
    }
    await world.workspaces.deliver({
      repository: world.repository,
      branch: 'ado/task',
      commit: headCommit,
      ours: [],
    });

    expect(killed).toBeGreaterThanOrEqual(kills / 2);
    const subjects = git(world.repository, 'log', '--reverse', '--format=%s', 'main..ado/task');
    expect(subjects.split('\n')).toEqual(effects.map((effectId) => `Step ${effectId}`));
    expect(git(world.repository, 'show', 'ado/task:steps').split('\n')).toEqual(effects);
    expect(staleLocks(mirrors)).toEqual([]);
    expect(staleLocks(join(world.repository, '.git'))).toEqual([]);
    for (const mirror of readdirSync(mirrors)) expect(fsck(join(mirrors, mirror))).toBe('');
    expect(fsck(world.repository)).toBe('');
    expect(readdirSync(join(world.dataDir, 'worktrees', 'task'))).toHaveLength(1);
  },
  180_000,
);

test('a lock that a dead host has left does not stop the retry', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  const [mirror = ''] = readdirSync(join(world.dataDir, 'mirrors'));
  const lock = join(world.dataDir, 'mirrors', mirror, 'refs', 'ado', 'tasks', 'task.lock');
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, '');
  const aMinuteAgo = new Date(Date.now() - 60_000);
  utimesSync(lock, aMinuteAgo, aMinuteAgo);
  await world.sh(workspace, 'echo x > x');

  expect((await world.commit(workspace)).committed).toBe(true);
});

test('what a killed worker has left of a commit is not used by the next', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  const left = join(dirname(workspace.path), 'commit', 'quarantine');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, 'index.lock'), '');
  writeFileSync(join(left, '..', 'pack'), 'left');
  await world.sh(workspace, 'echo x > x');

  expect((await world.commit(workspace)).committed).toBe(true);
});

test('two workers make the mirror of a repository at once', async () => {
  const world = createWorld();

  const killed = await Promise.all(
    ['one', 'two', 'three'].map((effectId) =>
      attempt(world, { headCommit: world.baseCommit, effectId, key: effectId }),
    ),
  );

  expect(killed).toEqual([false, false, false]);
  expect(readdirSync(join(world.dataDir, 'mirrors'))).toHaveLength(1);
});

test('a worktree that a newer attempt has taken away is no reason to give up', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  const running = world.sh(workspace, 'sleep 1; echo x > x').catch((error: unknown) => error);
  await world.prepare('task');

  expect(await running).toEqual(anError('WORKSPACE_FAILED'));
  await expect(world.sh(workspace, 'true')).rejects.toEqual(anError('WORKSPACE_FAILED'));
  await expect(world.commit(workspace)).rejects.toEqual(anError('WORKSPACE_FAILED'));
});
