/**
 * The git escape matrix: an agent plants code where git on the host would run it; then its work is committed, delivered,
 * merged and checked out again. Each plant runs a canary, a program outside of the sandbox that records its executions.
 *   - in ado's hands no plant runs anything, and nothing is written outside
 *   - in careless hands each of them does: git-plants.ts says by which command
 *   - the shared git folder cannot be written to in the sandbox at all
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from '../../../contracts/errors.ts';
import { fsck, git } from '../../support/repositories.ts';
import { plants } from './git-plants.ts';
import { startGitServer } from './git-server.ts';
import { anError, createWorld, endWorlds, type World } from './world.ts';

afterAll(endWorlds);

/** A program on the host that writes a line for each time it is run, and a folder that nobody may write to. */
function makeCanary(outside: string) {
  const file = join(outside, 'canary');
  const record = join(outside, 'executions');
  const target = join(outside, 'target');
  mkdirSync(target);
  writeFileSync(file, `#!/bin/sh\necho "$PWD $*" >> ${record}\n`, { mode: 0o755 });
  return {
    file,
    target,
    /** The executions and writes that there were. */
    traces: (): string[] => [
      ...(existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n') : []),
      ...readdirSync(target),
    ],
  };
}

/** The user's own configuration names programs for attributes that any tree may use. */
function configureUser({ homeDir, repository }: World, canary: string): void {
  const settings = ['clean', 'smudge', 'process'].map((name) => `\t${name} = ${canary}\n`);
  const drivers = `[diff "canary"]\n\tcommand = ${canary}\n\ttextconv = ${canary}\n[merge "canary"]\n\tdriver = ${canary}\n`;
  writeFileSync(
    join(homeDir, '.gitconfig'),
    `[filter "canary"]\n${settings.join('')}${drivers}[core]\n\tfsmonitor = ${canary}\n`,
  );
  for (const name of ['clean', 'smudge']) {
    git(repository, 'config', `filter.canary.${name}`, canary);
  }
  git(repository, 'config', 'merge.canary.driver', canary);
  git(repository, 'config', 'diff.canary.textconv', canary);
  git(repository, 'config', 'core.hooksPath', '.githooks');
}

function mirrorOf({ dataDir }: World): string {
  return join(dataDir, 'mirrors', readdirSync(join(dataDir, 'mirrors'))[0] ?? '');
}

const planted = plants.map((plant) => [plant.name, plant] as const);

test.each(planted)('%s runs nothing on the host', async (_name, { plant }) => {
  const world = createWorld();
  const { workspaces, repository, outside } = world;
  const canary = makeCanary(outside);
  configureUser(world, canary.file);
  git(repository, 'switch', '--quiet', '--create', 'mine');
  const workspace = await world.prepare('task');
  const home = join(outside, 'agent-home');
  mkdirSync(home);
  const env = {
    ...{ CANARY: canary.file, TARGET: canary.target, MIRROR: mirrorOf(world) },
    GIT_FOLDER: join(dirname(workspace.path), 'git'),
  };

  const command = `( ${plant} ); echo work > work.txt; echo more >> README.md`;
  await world.sh(workspace, command, { env, home });
  const outcome = await world.commit(workspace).catch((error: unknown) => codeOf(error));
  if (typeof outcome === 'object') {
    const { commit } = outcome;
    await workspaces.deliver({ repository, branch: 'ado/task', commit, ours: [] });
    // Another's change of the same lines: the merge asks for the drivers that attributes name.
    git(repository, '-c', 'core.hooksPath=/dev/null', 'switch', '--quiet', 'main');
    writeFileSync(join(repository, 'README.md'), '# Repository of others\n');
    git(repository, '-c', 'core.hooksPath=/dev/null', 'commit', '--quiet', '-am', 'theirs');
    git(repository, '-c', 'core.hooksPath=/dev/null', 'switch', '--quiet', 'mine');
    const words = {
      message: 'Merge',
      date: new Date('2026-01-02T03:04:05Z'),
      mayIgnoreSpace: () => true,
    };
    await workspaces.planMerge({ repository, target: 'main', commit, ...words });
    // The next worktree is checked out from what the agent committed.
    const next = await world.prepare('task', { headCommit: commit });
    await world.sh(next, 'git status; echo more >> work.txt', { home });
    await world.commit(next, { effectId: 'step-2' });
  } else {
    expect(outcome).toBe('COMMIT_REFUSED');
  }
  await workspaces.discard('task');

  expect(canary.traces()).toEqual([]);
  expect(fsck(repository)).toBe('');
  expect(git(repository, 'status', '--porcelain')).toBe('');
});

const steppedOn = planted.filter(([, { careless }]) => careless !== undefined);

test.each(steppedOn)('%s runs in careless hands', (_name, { plant, careless = '' }) => {
  const { repository, outside } = createWorld();
  const canary = makeCanary(outside);
  const [tree, mirror, home] = ['tree', 'mirror', 'home'].map((name) => join(outside, name)) as [
    string,
    string,
    string,
  ];
  git(outside, 'clone', '--quiet', repository, tree);
  git(outside, 'clone', '--quiet', '--bare', repository, mirror);
  mkdirSync(home);
  const env = {
    ...{ PATH: process.env['PATH'], HOME: home, GIT_CONFIG_NOSYSTEM: '1', MIRROR: mirror },
    ...{ CANARY: canary.file, TARGET: canary.target, REPOSITORY: repository },
    ...{ GIT_FOLDER: join(tree, '.git'), GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'a@b.c' },
    ...{ GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'a@b.c' },
  };
  const run = (command: string): unknown =>
    execFileSync('sh', ['-c', `( ${command} ); true`], { cwd: tree, env, stdio: 'ignore' });

  // What the planting itself runs does not count: an agent does that in its sandbox.
  run(`chmod -x "$CANARY"; ( ${plant} ); chmod +x "$CANARY"`);
  expect(canary.traces()).toEqual([]);
  run(careless);

  expect(canary.traces()).not.toEqual([]);
});

test('the shared git folder cannot be written to', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  const env = { MIRROR: mirrorOf(world), GIT_FOLDER: join(dirname(workspace.path), 'git') };

  // Only what git needs of them is there, and every file and folder of it refuses.
  const ran = await world.sh(
    workspace,
    `ls "$MIRROR"; for path in $(find "$GIT_FOLDER" "$MIRROR/objects" -maxdepth 2); do
       if [ -d "$path" ]; then touch "$path/new"; else : >> "$path"; fi 2>/dev/null && echo "$path"; done`,
    { env },
  );

  expect(ran.stdout).toBe('objects\n');
  expect(statSync(env.GIT_FOLDER).isDirectory()).toBe(true);
  expect(readdirSync(env.MIRROR)).not.toContain('hooks');
});

/** Repositories and refs of a task that git would take for programs or options. */
const targets = (canary: string): readonly { repository: string; baseRef?: string }[] => [
  { repository: `ext::${canary}` },
  { repository: `ext::sh -c ${canary}% x` },
  { repository: `EXT::${canary}` },
  { repository: `fd::17` },
  { repository: `--upload-pack=${canary}` },
  { repository: `-u${canary}` },
  { repository: '-x' },
  { repository: `ssh://-oProxyCommand=${canary}/x` },
  { repository: `ssh://user@-oProxyCommand=${canary}/x` },
  { repository: `-oProxyCommand=${canary}:x` },
  { repository: `user@-oProxyCommand=${canary}:x` },
  { repository: `git://-x/x` },
  { repository: `file://-x` },
  { repository: `./x` },
  { repository: `transport::${canary}` },
  { repository: `https::ext::${canary}` },
];

test('programs and options as the repository of a task are refused or harmless', async () => {
  const world = createWorld();
  const { workspaces, outside, baseCommit } = world;
  const canary = makeCanary(outside);
  writeFileSync(
    join(world.homeDir, '.gitconfig'),
    '[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n',
  );

  for (const { repository } of targets(canary.file)) {
    const request = {
      key: 'task',
      repository,
      baseCommit,
      headCommit: baseCommit,
      branch: 'ado/x',
    };
    const delivery = { repository, branch: 'ado/x', commit: baseCommit, ours: [] };
    const merge = { repository, target: 'main', targetHead: baseCommit, commit: baseCommit };
    for (const attempt of [
      () => workspaces.resolve({ repository }),
      () => workspaces.resolve({ repository, baseRef: 'main' }),
      () => workspaces.prepare(request),
      () => workspaces.deliver(delivery),
      () => workspaces.pushMerge(merge),
    ]) {
      await expect(attempt()).rejects.toEqual(
        expect.objectContaining({
          code: expect.stringMatching(
            /^(REPOSITORY_NOT_FOUND|NOT_A_GIT_REPOSITORY|WORKSPACE_FAILED|PUBLISH_FAILED)$/,
          ) as string,
        }),
      );
    }
  }

  expect(canary.traces()).toEqual([]);
  // Careless hands run the first one.
  expect(() =>
    git(outside, '-c', 'protocol.ext.allow=always', 'ls-remote', `ext::${canary.file}`),
  ).toThrow();
  expect(canary.traces()).not.toEqual([]);
});

test('options as the ref of a task name nothing, here and on another host', async () => {
  const { workspaces, repository, outside } = createWorld();
  const canary = makeCanary(outside);
  const server = await startGitServer(repository);
  git(repository, 'update-ref', `refs/heads/--upload-pack=${canary.file}`, 'HEAD');

  for (const baseRef of [`--upload-pack=${canary.file}`, '-x', '--exec=x', '--output=x', '--all']) {
    const isThere = baseRef.startsWith('--upload-pack');
    for (const place of [repository, server.url]) {
      const resolved = workspaces.resolve({ repository: place, baseRef });
      if (isThere && place === server.url) await resolved;
      else
        await resolved.catch((error: unknown) => expect(error).toEqual(anError('REF_NOT_FOUND')));
    }
  }
  server.close();

  expect(canary.traces()).toEqual([]);
  expect(() => git(outside, 'ls-remote', `--upload-pack=${canary.file}`, repository)).toThrow();
  expect(canary.traces()).not.toEqual([]);
});

test('a repository whose submodule the agent fills with a trap is safe', async () => {
  const world = createWorld();
  const { repository, workspaces, outside } = world;
  const mark = join(outside, 'mark');
  git(repository, 'update-index', '--add', '--cacheinfo', `160000,${world.baseCommit},sub`);
  mkdirSync(join(repository, 'sub'));
  git(repository, 'commit', '--quiet', '--message', 'submodule');
  const baseCommit = git(repository, 'rev-parse', 'HEAD');
  const workspace = await workspaces.prepare({
    key: 'task',
    repository,
    baseCommit,
    headCommit: baseCommit,
    branch: 'ado/task',
  });

  await world.sh(
    workspace,
    'cd sub && git init -q . && git config core.fsmonitor "$MARK" && git -c core.fsmonitor=false -c user.name=a -c user.email=a@b commit -qm x --allow-empty; echo y > y; echo z > ../z',
    { env: { MARK: `touch ${mark}` } },
  );
  const outcome = await world
    .commit(workspace, { baseCommit })
    .catch((error: unknown) => codeOf(error));

  expect(outcome).toBe('COMMIT_REFUSED');
  expect(existsSync(mark)).toBe(false);
});

test('an unchanged submodule is no obstacle', async () => {
  const world = createWorld();
  const { repository, workspaces } = world;
  git(repository, 'update-index', '--add', '--cacheinfo', `160000,${world.baseCommit},sub`);
  mkdirSync(join(repository, 'sub'));
  git(repository, 'commit', '--quiet', '--message', 'submodule');
  const baseCommit = git(repository, 'rev-parse', 'HEAD');
  const request = { key: 'task', repository, baseCommit, branch: 'ado/task' };
  const workspace = await workspaces.prepare({ ...request, headCommit: baseCommit });

  await world.sh(workspace, 'echo z > z');
  const { commit } = await world.commit(workspace, { baseCommit });

  expect((await workspaces.prepare({ ...request, headCommit: commit })).headCommit).toBe(commit);
});

test('hooks and settings of the source repository do not run when a branch is delivered', async () => {
  const world = createWorld();
  const { repository, outside } = world;
  const mark = join(outside, 'mark');
  const hooks = join(outside, 'hooks');
  mkdirSync(hooks);
  for (const name of [
    'pre-receive',
    'update',
    'post-receive',
    'post-update',
    'reference-transaction',
  ]) {
    for (const folder of [hooks, join(repository, '.git', 'hooks')]) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, name), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    }
  }
  git(repository, 'config', 'core.hooksPath', hooks);
  git(repository, 'config', 'core.fsmonitor', `touch ${mark}`);
  git(repository, 'config', 'core.alternateRefsCommand', `touch ${mark}`);
  const workspace = await world.prepare('task');
  await world.sh(workspace, 'echo work > work.txt');
  const { commit } = await world.commit(workspace);

  await world.workspaces.resolve({ repository });
  await world.workspaces.deliver({ repository, branch: 'ado/task', commit, ours: [] });

  expect(existsSync(mark)).toBe(false);
});
