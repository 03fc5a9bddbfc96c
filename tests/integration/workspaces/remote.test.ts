/** Repositories on other hosts: fetched once, delivered by the same push. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, fsck, git } from '../../support/repositories.ts';
import { startGitServer, type GitServer } from './git-server.ts';
import { anError, createWorld, endWorlds, type World } from './world.ts';

const servers: GitServer[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  endWorlds();
});

async function createRemote(): Promise<{ world: World; server: GitServer }> {
  const world = createWorld();
  const server = await startGitServer(world.repository);
  servers.push(server);
  return { world, server };
}

async function commitWork({ world, url }: { world: World; url: string }): Promise<string> {
  const { baseCommit } = world;
  const request = { key: 'task', repository: url, baseCommit, branch: 'ado/x' };
  const workspace = await world.workspaces.prepare({ ...request, headCommit: baseCommit });
  await world.sh(workspace, 'echo work > work.txt');
  return (await world.commit(workspace)).commit;
}

test('a URL is asked for its refs', async () => {
  const { world, server } = await createRemote();
  git(world.repository, 'tag', '--annotate', '--message', 'one', 'v1');

  for (const baseRef of [undefined, 'main', 'v1']) {
    await expect(world.workspaces.resolve({ repository: server.url, baseRef })).resolves.toEqual({
      repository: server.url,
      baseCommit: world.baseCommit,
    });
  }
  await expect(
    world.workspaces.resolve({ repository: server.url, baseRef: 'nope' }),
  ).rejects.toEqual(anError('REF_NOT_FOUND', /nope/));
});

test('a host that refuses is said to be unreachable', async () => {
  const { workspaces } = createWorld();

  await expect(workspaces.resolve({ repository: 'git://127.0.0.1:1/nothing.git' })).rejects.toEqual(
    anError('REPOSITORY_NOT_FOUND', /cannot be reached: .*(refused|connect)/i),
  );
});

test('work is fetched from a host and delivered to it', async () => {
  const { world, server } = await createRemote();
  const commit = await commitWork({ world, url: server.url });
  const delivery = { repository: server.url, branch: 'ado/x', commit, ours: [] };

  await expect(world.workspaces.deliver(delivery)).resolves.toEqual({ delivered: true });
  await expect(world.workspaces.deliver(delivery)).resolves.toEqual({ delivered: true });

  expect(git(world.repository, 'rev-parse', 'ado/x')).toBe(commit);
  expect(fsck(world.repository)).toBe('');
});

test("a branch with somebody's commits is left alone on a host too", async () => {
  const { world, server } = await createRemote();
  const commit = await commitWork({ world, url: server.url });
  git(world.repository, 'branch', 'ado/x', world.baseCommit);

  await expect(
    world.workspaces.deliver({ repository: server.url, branch: 'ado/x', commit, ours: [] }),
  ).rejects.toEqual(anError('BRANCH_CONFLICT', /ado\/x/));
  expect(git(world.repository, 'rev-parse', 'ado/x')).toBe(world.baseCommit);
});

test('many tasks on one new base share one fetch', async () => {
  const { world, server } = await createRemote();
  await commitWork({ world, url: server.url });
  writeFileSync(join(world.repository, 'second'), '2');
  const headCommit = commitAll(world.repository, 'second');

  const workspaces = await Promise.all(
    Array.from({ length: 10 }, (_, place) =>
      world.workspaces.prepare({
        key: `task-${place}`,
        repository: server.url,
        baseCommit: headCommit,
        headCommit,
        branch: `ado/task-${place}`,
      }),
    ),
  );

  for (const { path } of workspaces) expect(readFileSync(join(path, 'second'), 'utf8')).toBe('2');
});

test("the caller's own git configuration counts for other hosts", async () => {
  const { world, server } = await createRemote();
  writeFileSync(
    join(world.homeDir, '.gitconfig'),
    `[url "git://127.0.0.1:${server.port}/"]\n\tinsteadOf = https://code.example/\n`,
  );
  const url = 'https://code.example/repository.git';

  await expect(world.workspaces.resolve({ repository: url })).resolves.toEqual({
    repository: url,
    baseCommit: world.baseCommit,
  });
});

test('a task that is stopped does not wait for the fetch', async () => {
  const { world, server } = await createRemote();
  const stop = new AbortController();
  stop.abort(new Error('stopped'));

  await expect(
    world.workspaces.prepare({
      key: 'task',
      repository: server.url,
      baseCommit: world.baseCommit,
      headCommit: world.baseCommit,
      branch: 'ado/x',
      signal: stop.signal,
    }),
  ).rejects.toThrow('stopped');
});
