/**
 * Work is merged into a branch of its repository without a work tree:
 *   - forward when nobody else was there, as a commit of both when the sides do not touch
 *   - the same merge is the same commit, and a merge that is there already is seen
 *   - never over others' commits, and never under the feet of who has the branch checked out
 *   - what only white space keeps apart goes together, where its amount says nothing
 *   - what does not go together is named file by file, and nothing is moved
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, fsck, git, userState } from '../../support/repositories.ts';
import { startGitServer } from './git-server.ts';
import { anError, createWorld, endWorlds, type World } from './world.ts';

afterAll(endWorlds);

const words = {
  message: 'Merge ado/x\n',
  date: new Date('2026-01-02T03:04:05Z'),
  mayIgnoreSpace: (path: string) => path.endsWith('.ts'),
};

/** A world whose user works on another branch, so that `main` may move. */
function createFreeWorld(): World {
  const world = createWorld();
  git(world.repository, 'switch', '--quiet', '--create', 'mine');
  return world;
}

async function commitWork(world: World, file = 'work.txt'): Promise<string> {
  const workspace = await world.prepare('task');
  await world.sh(workspace, `echo work > ${file}`);
  return (await world.commit(workspace)).commit;
}

/** Somebody else's commit on main. */
function commitOnMain({ repository }: World, file: string, text = 'theirs\n'): string {
  git(repository, 'switch', '--quiet', 'main');
  writeFileSync(join(repository, file), text);
  const commit = commitAll(repository, 'theirs');
  git(repository, 'switch', '--quiet', 'mine');
  return commit;
}

test('work on an unmoved branch goes forward', async () => {
  const world = createFreeWorld();
  const { repository, workspaces, baseCommit } = world;
  const commit = await commitWork(world);
  const before = userState(repository);

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(plan).toEqual({ kind: 'fast-forward', target: 'main', targetHead: baseCommit, commit });
  expect(git(repository, 'rev-parse', 'main')).toBe(baseCommit);
  const merge = { repository, target: 'main', targetHead: baseCommit, commit };
  await expect(workspaces.pushMerge(merge)).resolves.toBe('merged');
  expect(git(repository, 'rev-parse', 'main')).toBe(commit);
  // Nothing else of what the user has is touched.
  expect(userState(repository)).toEqual({ ...before, branches: expect.anything() });
  await expect(
    workspaces.planMerge({ repository, target: 'main', commit, ...words }),
  ).resolves.toEqual({ kind: 'contained', target: 'main', targetHead: commit });
});

test('sides that do not touch make a merge, the same one each time', async () => {
  const world = createFreeWorld();
  const { repository, workspaces } = world;
  const commit = await commitWork(world);
  const theirs = commitOnMain(world, 'their.txt');

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });
  const again = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(again).toEqual(plan);
  expect(plan).toMatchObject({ kind: 'merge', target: 'main', targetHead: theirs });
  if (plan.kind !== 'merge') throw new Error('no merge');
  const workspace = await world.prepare('merge', { headCommit: plan.commit });
  expect(existsSync(join(workspace.path, 'work.txt'))).toBe(true);
  expect(existsSync(join(workspace.path, 'their.txt'))).toBe(true);
  await workspaces.pushMerge({ repository, ...plan });
  expect(git(repository, 'log', '-1', '--format=%P', 'main')).toBe(`${theirs} ${commit}`);
  expect(fsck(repository)).toBe('');
});

test('a branch that moves meanwhile keeps the commits of others', async () => {
  const world = createFreeWorld();
  const { repository, workspaces } = world;
  const commit = await commitWork(world);
  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });
  const theirs = commitOnMain(world, 'their.txt');

  const pushed = await workspaces.pushMerge({ repository, ...plan, commit });

  expect(pushed).toBe('stale');
  expect(git(repository, 'rev-parse', 'main')).toBe(theirs);
});

test('files that both sides have changed are named, and nothing is moved', async () => {
  const world = createFreeWorld();
  const { repository, workspaces } = world;
  const commit = await commitWork(world, 'README.md');
  const theirs = commitOnMain(world, 'README.md');

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(plan).toEqual({
    ...{ kind: 'conflict', target: 'main', targetHead: theirs, files: ['README.md'] },
  });
  expect(git(repository, 'rev-parse', 'main')).toBe(theirs);
});

/** Both sides change a function; theirs only how far it is indented. */
async function indentAndChange(
  world: World,
  files: readonly string[],
): Promise<{ readonly commit: string; readonly theirs: string }> {
  const { repository } = world;
  const text = 'f() {\n  if (a) {\n    b();\n  }\n}\n';
  git(repository, 'switch', '--quiet', 'main');
  for (const file of files) writeFileSync(join(repository, file), text);
  const base = commitAll(repository, 'functions');
  git(repository, 'switch', '--quiet', 'mine');
  const workspace = await world.prepare('task', { headCommit: base });
  await world.sh(workspace, `sed -i s/b/c/ ${files.join(' ')}`);
  const { commit } = await world.commit(workspace);
  git(repository, 'switch', '--quiet', 'main');
  for (const file of files)
    writeFileSync(
      join(repository, file),
      text.replaceAll(/^ +/gm, (space) => space.repeat(2)),
    );
  writeFileSync(join(repository, 'their.txt'), 'theirs\n');
  const theirs = commitAll(repository, 'indent');
  git(repository, 'switch', '--quiet', 'mine');
  return { commit, theirs };
}

test('a conflict of white space alone is none, the same way each time', async () => {
  const world = createFreeWorld();
  const { repository, workspaces } = world;
  const { commit } = await indentAndChange(world, ['a.ts']);

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });
  const again = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(again).toEqual(plan);
  expect(plan).toMatchObject({ kind: 'merge', spaceIgnoredIn: ['a.ts'] });
  if (plan.kind !== 'merge') throw new Error('no merge');
  await workspaces.pushMerge({ repository, ...plan });
  expect(git(repository, 'show', 'main:a.ts')).toContain('c();');
  expect(git(repository, 'show', 'main:their.txt')).toBe('theirs');
  expect(fsck(repository)).toBe('');
});

test('one file in which white space counts keeps all of them in conflict', async () => {
  const world = createFreeWorld();
  const { repository, workspaces } = world;
  const { commit, theirs } = await indentAndChange(world, ['a.py', 'a.ts']);

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(plan).toEqual({
    ...{ kind: 'conflict', target: 'main', targetHead: theirs, files: ['a.py', 'a.ts'] },
  });
});

test('files that differ in more than white space are in conflict', async () => {
  const world = createFreeWorld();
  const { repository, workspaces } = world;
  const commit = await commitWork(world, 'x.ts');
  commitOnMain(world, 'x.ts');

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(plan).toMatchObject({ kind: 'conflict', files: ['x.ts'] });
});

test('a branch that is checked out is not moved', async () => {
  const world = createWorld();
  const { repository, workspaces, baseCommit } = world;
  const commit = await commitWork(world);
  const plan = await workspaces.planMerge({ repository, commit, ...words });

  expect(plan).toMatchObject({ kind: 'fast-forward', target: 'main' });
  await expect(workspaces.pushMerge({ repository, ...plan, commit })).rejects.toEqual(
    anError('MERGE_CONFLICT', /main is checked out/),
  );
  expect(git(repository, 'rev-parse', 'main')).toBe(baseCommit);
  expect(git(repository, 'status', '--porcelain')).toBe('');
});

test('a target that is not there is said to be missing, and so is the branch of a detached HEAD', async () => {
  const world = createWorld();
  const { repository, workspaces } = world;
  const commit = await commitWork(world);

  await expect(
    workspaces.planMerge({ repository, target: 'nope', commit, ...words }),
  ).rejects.toEqual(anError('REF_NOT_FOUND', /no branch nope/));
  git(repository, 'switch', '--quiet', '--detach');
  await expect(workspaces.planMerge({ repository, commit, ...words })).rejects.toEqual(
    anError('REF_NOT_FOUND', /--target/),
  );
});

test('a merge driver that the repository names runs nothing on the host', async () => {
  const world = createFreeWorld();
  const { repository, workspaces, outside } = world;
  const trace = join(outside, 'ran');
  git(repository, 'config', 'merge.evil.driver', `touch ${trace}`);
  commitOnMain(world, '.gitattributes', '* merge=evil\n');
  const commit = await commitWork(world, 'README.md');
  commitOnMain(world, 'README.md');

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(plan.kind).toBe('conflict');
  expect(existsSync(trace)).toBe(false);
});

test('a branch on another host is merged into', async () => {
  const world = createFreeWorld();
  const server = await startGitServer(world.repository);
  const { repository, baseCommit } = { repository: server.url, baseCommit: world.baseCommit };
  const request = { key: 'task', repository, baseCommit, branch: 'ado/x' };
  const workspace = await world.workspaces.prepare({ ...request, headCommit: baseCommit });
  await world.sh(workspace, 'echo work > work.txt');
  const { commit } = await world.commit(workspace);
  const theirs = commitOnMain(world, 'their.txt');

  const plan = await world.workspaces.planMerge({ repository, target: 'main', commit, ...words });

  if (plan.kind !== 'merge') throw new Error('no merge');
  await expect(world.workspaces.pushMerge({ repository, ...plan })).resolves.toBe('merged');
  expect(git(world.repository, 'log', '-1', '--format=%P', 'main')).toBe(`${theirs} ${commit}`);
  server.close();
});

test('more conflicts than are kept are conflicts all the same', async () => {
  const world = createFreeWorld();
  const { repository, workspaces } = world;
  // 400 files with names of 3,000 bytes.
  const folder = Array.from({ length: 12 }, () => 'x'.repeat(250)).join('/');
  const write = (word: string): string =>
    `mkdir -p ${folder}; cd ${folder}; for n in $(seq 400); do echo ${word} > $n; done`;
  const workspace = await world.prepare('task');
  await world.sh(workspace, write('ours'));
  const { commit } = await world.commit(workspace);
  git(repository, 'switch', '--quiet', 'main');
  execFileSync('sh', ['-c', write('theirs')], { cwd: repository });
  commitAll(repository, 'theirs');
  git(repository, 'switch', '--quiet', 'mine');

  const plan = await workspaces.planMerge({ repository, target: 'main', commit, ...words });

  expect(plan.kind).toBe('conflict');
  const { files } = plan as Extract<typeof plan, { kind: 'conflict' }>;
  expect(files.length).toBeGreaterThan(100);
  expect(files.every((file) => new RegExp(`^${folder}/\\d+$`).test(file))).toBe(true);
});
