/**
 * From a work tree to a commit.
 *   - the same inputs make the same commit, whoever makes it and when
 *   - what is in the work tree is in the commit, to the byte; what is ignored is not
 *   - nothing changed, nothing committed
 *   - what may not be committed is refused, by name, and leaves nothing behind
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, fsck, git } from '../../support/repositories.ts';
import { anError, createWorld, endWorlds, type World } from './world.ts';

afterAll(endWorlds);

function mirrorOf({ dataDir }: World): string {
  const [name = ''] = readdirSync(join(dataDir, 'mirrors'));
  return join(dataDir, 'mirrors', name);
}

test('two attempts with the same change make the same commit, on different hosts too', async () => {
  const one = createWorld();
  const other = createWorld();
  const change = 'echo x > new; chmod +x README.md; rm src/index.js; ln -s README.md link';
  const commits = [];
  for (const [world, key] of [
    [one, 'a.1'],
    [one, 'b.1'],
  ] as const) {
    const workspace = await world.prepare(key);
    await world.sh(workspace, change);
    commits.push((await world.commit(workspace)).commit);
  }
  const workspace = await other.workspaces.prepare({
    key: 'a.1',
    repository: one.repository,
    baseCommit: one.baseCommit,
    headCommit: one.baseCommit,
    branch: 'ado/x',
  });
  await other.sh(workspace, change);
  commits.push((await other.commit(workspace, { baseCommit: one.baseCommit })).commit);

  expect(new Set(commits).size).toBe(1);
});

test('a commit says what changed: counts, and a patch that git applies', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(
    workspace,
    'printf "a\\nb\\n" > "new file"; rm src/index.js; printf "x\\0y" > binary; mv README.md LIES.md; mkdir "ä"; echo ü > "ä/ö"',
  );

  const result = await world.commit(workspace);

  expect(result.committed).toBe(true);
  expect(result.diffStat).toEqual({ files: 5, insertions: 3, deletions: 1 });
  execFileSync('git', ['apply', '-'], { cwd: world.repository, input: result.patch });
  git(world.repository, 'add', '--all');
  const tree = git(world.repository, 'write-tree');
  expect(git(mirrorOf(world), 'rev-parse', `${result.commit}^{tree}`)).toBe(tree);
});

test('nothing changed, nothing committed, however the files were touched', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(
    workspace,
    'touch README.md; cp README.md x; cat x > README.md; rm x; mkdir empty; mkfifo pipe',
  );

  const result = await world.commit(workspace);

  expect(result).toEqual({
    commit: world.baseCommit,
    committed: false,
    diffStat: { files: 0, insertions: 0, deletions: 0 },
    patch: '',
  });
});

test('a change of the same size within the second of the checkout is seen', async () => {
  const world = createWorld();
  for (const round of [1, 2, 3, 4, 5]) {
    const workspace = await world.prepare(`task-${round}`);
    const place = join(workspace.path, 'README.md');
    const text = readFileSync(place, 'utf8');
    writeFileSync(place, text.replace('Repository', 'Xepository'));
    utimesSync(place, new Date(), new Date());

    expect((await world.commit(workspace)).committed).toBe(true);
  }
});

test('ignored files stay in the work tree and out of the commit', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(workspace, 'echo build > .gitignore; mkdir build; echo x > build/out');

  const { commit, diffStat } = await world.commit(workspace);

  expect(diffStat.files).toBe(1);
  expect(git(mirrorOf(world), 'ls-tree', '-r', '--name-only', commit)).not.toContain('build/out');
  expect(existsSync(join(workspace.path, 'build', 'out'))).toBe(true);
});

test('steps stack up: each commit has the one before as its parent, the patch is the whole', async () => {
  const world = createWorld();
  let workspace = await world.prepare('task');
  const commits = [world.baseCommit];
  for (const step of [1, 2, 3]) {
    await world.sh(workspace, `echo ${step} >> steps; git status --short`);
    const { commit, patch } = await world.commit(workspace, { effectId: `step-${step}` });
    expect(patch).toContain(`+${step}\n`);
    expect(patch).toContain('+1\n');
    commits.push(commit);
    workspace = { ...workspace, headCommit: commit };
  }

  expect(
    git(mirrorOf(world), 'rev-list', commits.at(-1) ?? '')
      .split('\n')
      .slice(0, 4),
  ).toEqual(commits.toReversed());
  const clean = await world.sh(workspace, 'git status --short; git log --oneline | wc -l');
  expect(clean.stdout.trim()).toBe('4');
});

test('asked again for a commit that it has made, a worktree answers it again', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(workspace, 'echo x > new');
  const first = await world.commit(workspace);
  await world.sh(workspace, 'echo later > later');

  const second = await world.commit(workspace);

  expect(second).toEqual(first);
  expect(existsSync(join(workspace.path, 'later'))).toBe(true);
});

test('an attempt that made something else takes the commit that its step has, and works on from it', async () => {
  const world = createWorld();
  const first = await world.prepare('task');
  await world.sh(first, 'echo first > new');
  const { commit } = await world.commit(first);

  const second = await world.prepare('task');
  await world.sh(second, 'echo second > new; echo stray > stray');
  const adopted = await world.commit(second);

  expect(adopted.commit).toBe(commit);
  expect(readFileSync(join(second.path, 'new'), 'utf8')).toBe('first\n');
  expect(existsSync(join(second.path, 'stray'))).toBe(false);
});

test('an attempt that changed nothing takes the commit that its step has', async () => {
  const world = createWorld();
  const first = await world.prepare('task');
  await world.sh(first, 'echo first > new');
  const { commit } = await world.commit(first);

  const adopted = await world.commit(await world.prepare('task'));

  expect(adopted).toMatchObject({ commit, committed: true });
});

test('an attempt whose branch another step has moved is superseded', async () => {
  const world = createWorld();
  const first = await world.prepare('task');
  const zombie = { ...first };
  await world.sh(first, 'echo first > new');
  await world.commit(first);
  const next = await world.prepare('task');
  await world.sh(next, 'echo other > other');

  await expect(world.commit(next, { effectId: 'step-2' })).rejects.toEqual(anError('SUPERSEDED'));
  await expect(world.commit(zombie)).rejects.toEqual(anError('WORKSPACE_FAILED'));
});

test('another attempt of the task is not in the way', async () => {
  const world = createWorld();
  const first = await world.prepare('task.1');
  await world.sh(first, 'echo first > new');
  await world.commit(first, { effectId: 'attempt-1-step-1' });

  const second = await world.prepare('task.2');
  await world.sh(second, 'echo second > new');

  expect((await world.commit(second, { effectId: 'attempt-2-step-1' })).committed).toBe(true);
});

test('a kept worktree goes on where it stands, with what is ignored', async () => {
  const world = createWorld();
  const first = await world.prepare('task');
  await world.sh(first, 'echo cache > .gitignore; echo x > cache');
  const { commit } = await world.commit(first);

  const kept = await world.prepare('task', { headCommit: commit, keep: true });
  const fresh = await world.prepare('task', { headCommit: world.baseCommit, keep: true });

  expect(kept.path).toBe(first.path);
  expect(fresh.path).not.toBe(first.path);
  expect(existsSync(join(fresh.path, 'cache'))).toBe(false);
});

describe('refused by name', () => {
  const trees = [
    [
      'a nested repository',
      'git init -q sub; cd sub; git -c user.name=a -c user.email=a@b commit -qm x --allow-empty',
      /^sub is a git repository/,
    ],
    [
      'a nested repository without commits',
      'git init -q sub; echo x > sub/x',
      /sub\/' does not have a commit/,
    ],
    ['an absolute link', 'ln -s /etc/passwd link', /^link is a link that leads out.*\/etc\/passwd/],
    ['a link upwards', 'mkdir a; ln -s ../../x a/link', /^a\/link is a link/],
    ['.gitmodules', 'echo > .gitmodules', /^\.gitmodules names repositories/],
    ['a file without permissions', 'echo x > secret; chmod 0 secret', /secret.*Permission denied/],
    ['too many files', 'mkdir m; cd m; seq 20100 | xargs touch', /^More than 20000 files/],
    ['too much content', 'head -c 300000000 /dev/zero > huge', /^More than 256 MB.*huge/],
    [
      'too much content in all',
      'for i in 1 2 3; do head -c 100000000 /dev/zero | tr "\\0" $i > big$i; done',
      /^More than 256 MB.*big/,
    ],
  ] as const;

  test.each(trees)(
    '%s',
    async (_name, command, message) => {
      const world = createWorld();
      const workspace = await world.prepare('task');
      await world.sh(workspace, command);

      await expect(world.commit(workspace)).rejects.toEqual(anError('COMMIT_REFUSED', message));

      expect(existsSync(join(mirrorOf(world), 'refs', 'ado'))).toBe(false);
      // What was mended is committed: a refusal leaves nothing behind.
      await world.sh(
        workspace,
        'cd "$TREE"; chmod -R u+rwX .; git ls-files -o --directory | xargs rm -rf; echo x > fine',
        {
          env: { TREE: workspace.path },
        },
      );
      expect((await world.commit(workspace)).diffStat.files).toBe(1);
    },
    60_000,
  );
});

test('what a link of the tree leads to is not committed in its place', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(workspace, 'ln -s "$SECRET" outside; mkdir d; ln -s d inside; echo x > d/x', {
    env: { SECRET: join(world.homeDir, 'secret') },
  });

  await expect(world.commit(workspace)).rejects.toEqual(
    anError('COMMIT_REFUSED', /^outside is a link/),
  );
});

test('a hundred and more new files come as one pack, and are all there', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(workspace, 'mkdir many; for i in $(seq 300); do echo $i > many/$i; done');

  const { commit, diffStat } = await world.commit(workspace);

  expect(diffStat.files).toBe(300);
  expect(git(mirrorOf(world), 'ls-tree', '-r', '--name-only', commit).split('\n')).toHaveLength(
    302,
  );
  expect(fsck(mirrorOf(world))).toBe('');
});

test('hostile trees are thrown away: no permissions, no end of folders, odd names', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(
    workspace,
    `mkdir -p locked/in; echo x > locked/in/x; ln -s "$HOME_DIR" locked/link; chmod 0 locked/in locked;
     touch -- "-rf" "$(printf "new\\nline")"; d=dddddddddddddddddddddddddddddddddddddddd;
     i=0; while [ $i -lt 300 ]; do mkdir $d && cd $d || break; i=$((i + 1)); done`,
    { env: { HOME_DIR: world.homeDir } },
  );

  await world.workspaces.discard('task');

  expect(readdirSync(join(world.dataDir, 'worktrees'))).toEqual([]);
  expect(readFileSync(join(world.homeDir, 'secret'), 'utf8')).toBe('SECRET');
});

test('leftovers are swept when nobody used them for a day', async () => {
  const world = createWorld();
  await world.prepare('old');
  const tomorrow = new Date(Date.now() + 86_400_000 + 60_000);

  expect(await world.workspaces.sweep(new Date())).toBe(0);
  expect(await world.workspaces.sweep(tomorrow)).toBe(1);
  expect(readdirSync(join(world.dataDir, 'worktrees'))).toEqual([]);
});

test('a new base of a known repository is found', async () => {
  const world = createWorld();
  await world.prepare('first');
  writeFileSync(join(world.repository, 'second'), '2');
  const headCommit = commitAll(world.repository, 'second');

  const workspace = await world.prepare('second', { headCommit });

  expect(readFileSync(join(workspace.path, 'second'), 'utf8')).toBe('2');
});

test('a shallow clone, and one that borrows objects, serve as source', async () => {
  const world = createWorld();
  writeFileSync(join(world.repository, 'second'), '2');
  const headCommit = commitAll(world.repository, 'second');
  const shallow = join(world.outside, 'shallow');
  const shared = join(world.outside, 'shared');
  git(world.outside, 'clone', '--quiet', '--depth=1', `file://${world.repository}`, shallow);
  git(world.outside, 'clone', '--quiet', '--shared', world.repository, shared);

  for (const repository of [shallow, shared]) {
    const workspace = await world.workspaces.prepare({
      key: repository,
      repository,
      baseCommit: headCommit,
      headCommit,
      branch: 'ado/x',
    });
    await world.sh(workspace, 'git log --oneline > log; echo x > new');
    const { commit } = await world.commit(workspace, { baseCommit: headCommit });
    await world.workspaces.deliver({ repository, branch: 'ado/x', commit, ours: [] });
    expect(git(repository, 'rev-parse', 'ado/x')).toBe(commit);
    expect(fsck(repository)).toBe('');
  }
});

test('a commit that nobody has cannot be prepared', async () => {
  const world = createWorld();

  await expect(world.prepare('task', { headCommit: '1'.repeat(40) })).rejects.toEqual(
    anError('WORKSPACE_FAILED'),
  );
});

test('twenty tasks on one repository at once end in twenty branches', async () => {
  const world = createWorld();

  const branches = await Promise.all(
    Array.from({ length: 20 }, async (_, place) => {
      const workspace = await world.prepare(`task-${place}`);
      await world.sh(workspace, `echo ${place} > own; echo ${place} >> README.md`);
      const { commit } = await world.commit(workspace, { effectId: `step-${place}` });
      const branch = `ado/task-${place}`;
      await world.workspaces.deliver({ repository: world.repository, branch, commit, ours: [] });
      return git(world.repository, 'show', `${branch}:own`);
    }),
  );

  expect(branches).toEqual(Array.from({ length: 20 }, (_, place) => String(place)));
  expect(fsck(world.repository)).toBe('');
  expect(fsck(mirrorOf(world))).toBe('');
});
