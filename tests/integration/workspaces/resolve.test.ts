import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, git, makeRepositories } from '../../support/repositories.ts';
import { anError, createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

test('a path stands for the commit that HEAD names, and becomes a real path', async () => {
  const { workspaces, repository, baseCommit, outside } = createWorld();
  symlinkSync(repository, join(outside, 'link'));

  await expect(workspaces.resolve({ repository: join(outside, 'link') })).resolves.toEqual({
    repository,
    baseCommit,
  });
  await expect(workspaces.resolve({ repository: `file://${repository}` })).resolves.toEqual({
    repository,
    baseCommit,
  });
});

test('branches, tags and short ids stand for their commits', async () => {
  const { workspaces, repository, baseCommit } = createWorld();
  git(repository, 'tag', '--annotate', '--message', 'one', 'v1');
  git(repository, 'switch', '--quiet', '--create', 'next');
  writeFileSync(join(repository, 'new'), '1');
  const next = commitAll(repository, 'second');

  const resolved = await Promise.all(
    ['next', 'v1', 'main', baseCommit.slice(0, 8)].map((baseRef) =>
      workspaces.resolve({ repository, baseRef }),
    ),
  );

  expect(resolved.map(({ baseCommit: commit }) => commit)).toEqual([
    next,
    baseCommit,
    baseCommit,
    baseCommit,
  ]);
});

test('bare repositories, linked work trees and submodules are repositories', async () => {
  const { workspaces, repository, baseCommit, outside } = createWorld();
  const bare = join(outside, 'bare.git');
  git(outside, 'clone', '--quiet', '--bare', repository, bare);
  git(repository, 'worktree', 'add', '--quiet', '--detach', join(outside, 'linked'));

  for (const path of [bare, join(outside, 'linked')]) {
    await expect(workspaces.resolve({ repository: path })).resolves.toEqual({
      repository: path,
      baseCommit,
    });
  }
  const workspace = await workspaces.prepare({
    key: 'linked',
    repository: join(outside, 'linked'),
    baseCommit,
    headCommit: baseCommit,
    branch: 'ado/linked',
  });
  expect(workspace.headCommit).toBe(baseCommit);
});

test('what is wrong with a target is said with its name', async () => {
  const { workspaces, repository, outside } = createWorld();
  const empty = join(outside, 'empty');
  mkdirSync(empty);
  git(empty, 'init', '--quiet');
  const cases = [
    [{ repository: '/nowhere/at/all' }, 'REPOSITORY_NOT_FOUND', /^\/nowhere\/at\/all does not/],
    [{ repository: outside }, 'NOT_A_GIT_REPOSITORY', /is not a git repository/],
    [{ repository: join(repository, 'src') }, 'NOT_A_GIT_REPOSITORY', /lies inside .*\/repository/],
    [{ repository: join(repository, 'README.md') }, 'NOT_A_GIT_REPOSITORY', /is a file/],
    [{ repository: join(repository, '.git') }, 'NOT_A_GIT_REPOSITORY', /lies inside/],
    [{ repository: empty }, 'REF_NOT_FOUND', /empty has no commit yet/],
    [{ repository, baseRef: 'nope' }, 'REF_NOT_FOUND', /no branch, tag or commit nope/],
    [{ repository, baseCommit: '1'.repeat(40) }, 'REF_NOT_FOUND', /no branch, tag or commit 111/],
    [{ repository: 'ext::touch /tmp/x' }, 'REPOSITORY_NOT_FOUND', /neither an absolute path nor/],
  ] as const;

  for (const [target, code, message] of cases) {
    await expect(workspaces.resolve(target)).rejects.toEqual(anError(code, message));
  }
});

test('many targets are resolved at once', async () => {
  const { workspaces } = createWorld();
  const repositories = makeRepositories(20);

  const resolved = await Promise.all(
    repositories.map((repository) => workspaces.resolve({ repository })),
  );

  expect(new Set(resolved.map(({ baseCommit }) => baseCommit)).size).toBe(20);
});
