/**
 * A branch reaches the repository of its user, and nothing else of it changes.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, fsck, git, staleLocks, userState } from '../../support/repositories.ts';
import { anError, createWorld, endWorlds, type World } from './world.ts';

afterAll(endWorlds);

async function commitWork(world: World, text = 'work'): Promise<string> {
  const workspace = await world.prepare(`task-${text}`);
  await world.sh(workspace, `echo ${text} > work.txt`);
  return (await world.commit(workspace, { effectId: text })).commit;
}

function conflict(message: RegExp): Error {
  return anError('BRANCH_CONFLICT', message);
}

test('the branch is there, and what the user has is as it was', async () => {
  const world = createWorld();
  const { repository } = world;
  writeFileSync(join(repository, 'README.md'), 'not committed');
  writeFileSync(join(repository, 'staged'), 'staged');
  git(repository, 'add', 'staged');
  const before = userState(repository);
  const commit = await commitWork(world);

  const delivery = { repository, branch: 'ado/x', commit, ours: [] };
  await expect(world.workspaces.deliver(delivery)).resolves.toEqual({ delivered: true });
  await expect(world.workspaces.deliver(delivery)).resolves.toEqual({ delivered: true });

  expect(git(repository, 'rev-parse', 'ado/x')).toBe(commit);
  expect(userState(repository)).toEqual(before);
  expect(existsSync(join(repository, '.git', 'FETCH_HEAD'))).toBe(false);
  expect(existsSync(join(repository, '.git', 'gc.pid'))).toBe(false);
  expect(staleLocks(join(repository, '.git'))).toEqual([]);
  expect(fsck(repository)).toBe('');
});

test('a bare repository and a linked work tree are delivered to', async () => {
  const world = createWorld();
  const bare = join(world.outside, 'bare.git');
  const linked = join(world.outside, 'linked');
  git(world.outside, 'clone', '--quiet', '--bare', world.repository, bare);
  git(world.repository, 'worktree', 'add', '--quiet', '--detach', linked);

  for (const repository of [bare, linked]) {
    const request = { key: 'task', repository, baseCommit: world.baseCommit, branch: 'ado/x' };
    const workspace = await world.workspaces.prepare({ ...request, headCommit: world.baseCommit });
    await world.sh(workspace, 'echo x > x');
    const { commit } = await world.commit(workspace);
    await world.workspaces.deliver({ repository, branch: 'ado/x', commit, ours: [] });
    expect(git(repository, 'rev-parse', 'ado/x')).toBe(commit);
  }
});

test('what this task has delivered before is replaced', async () => {
  const world = createWorld();
  const { repository } = world;
  const first = await commitWork(world, 'first');
  const second = await commitWork(world, 'second');
  await world.workspaces.deliver({ repository, branch: 'ado/x', commit: first, ours: [] });

  await world.workspaces.deliver({ repository, branch: 'ado/x', commit: second, ours: [first] });

  expect(git(repository, 'rev-parse', 'ado/x')).toBe(second);
});

test("a branch with somebody's commits is left alone, and the author named", async () => {
  const world = createWorld();
  const { repository } = world;
  const commit = await commitWork(world);
  git(repository, 'switch', '--quiet', '--create', 'ado/x');
  writeFileSync(join(repository, 'mine'), 'mine');
  const foreign = commitAll(repository, 'my own');
  git(repository, 'switch', '--quiet', 'main');

  await expect(
    world.workspaces.deliver({ repository, branch: 'ado/x', commit, ours: [commit] }),
  ).rejects.toEqual(
    conflict(new RegExp(`ado/x .*${foreign.slice(0, 12)} by Ann <ann@example.com>`)),
  );
  expect(git(repository, 'rev-parse', 'ado/x')).toBe(foreign);
});

test('commits on top of a delivered branch are left alone', async () => {
  const world = createWorld();
  const { repository } = world;
  const first = await commitWork(world, 'first');
  const second = await commitWork(world, 'second');
  await world.workspaces.deliver({ repository, branch: 'ado/x', commit: first, ours: [] });
  git(repository, 'switch', '--quiet', 'ado/x');
  writeFileSync(join(repository, 'mine'), 'mine');
  const foreign = commitAll(repository, 'on top');
  git(repository, 'switch', '--quiet', 'main');

  await expect(
    world.workspaces.deliver({ repository, branch: 'ado/x', commit: second, ours: [first] }),
  ).rejects.toEqual(conflict(/by Ann/));
  expect(git(repository, 'rev-parse', 'ado/x')).toBe(foreign);
});

test('a branch that is checked out is not pulled away under its user', async () => {
  const world = createWorld();
  const { repository } = world;
  const first = await commitWork(world, 'first');
  const second = await commitWork(world, 'second');
  await world.workspaces.deliver({ repository, branch: 'ado/x', commit: first, ours: [] });
  git(repository, 'switch', '--quiet', 'ado/x');

  await expect(
    world.workspaces.deliver({ repository, branch: 'ado/x', commit: second, ours: [first] }),
  ).rejects.toEqual(conflict(/checked out/));
  expect(git(repository, 'status', '--porcelain')).toBe('');
});

test('a branch named `ado` stands in the way, and is named', async () => {
  const world = createWorld();
  const { repository } = world;
  git(repository, 'branch', 'ado');

  await expect(
    world.workspaces.deliver({
      repository,
      branch: 'ado/x',
      commit: await commitWork(world),
      ours: [],
    }),
  ).rejects.toEqual(conflict(/refuses the branch ado\/x/));
});

test('a repository that is gone is said to be gone', async () => {
  const world = createWorld();
  const commit = await commitWork(world);
  git(world.outside, 'init', '--quiet', 'other');
  const gone = join(world.outside, 'gone');
  mkdirSync(gone);

  await expect(
    world.workspaces.deliver({ repository: gone, branch: 'ado/x', commit, ours: [] }),
  ).rejects.toEqual(anError('NOT_A_GIT_REPOSITORY'));
});
