/**
 * The git escape matrix: an agent plants code where git on the host would run it; then its work is committed, shown and
 * delivered. Each plant touches a file outside of the sandbox when it runs on the host. None may.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from '../../../contracts/errors.ts';
import { fsck, git } from '../../support/repositories.ts';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

/** `$MARK` is the command to plant; `$GIT_FOLDER` and `$MIRROR` are the worktree's git folder and the mirror. */
const plants = [
  ['nothing planted', 'true'],
  ['fsmonitor in its git folder', 'git config core.fsmonitor "$MARK"'],
  [
    'fsmonitor written around git',
    'printf "[core]\\nfsmonitor = $MARK\\n" >> "$GIT_FOLDER/config"',
  ],
  [
    'a hook in its git folder',
    'mkdir -p "$GIT_FOLDER/hooks"; printf "#!/bin/sh\\n$MARK" > "$GIT_FOLDER/hooks/pre-commit"',
  ],
  [
    'a hook in the mirror',
    'mkdir -p "$MIRROR/hooks"; printf "#!/bin/sh\\n$MARK" > "$MIRROR/hooks/post-update"',
  ],
  [
    'a git folder of its own behind .git',
    `rm .git; git init -q own; mv own/.git hidden; rmdir own; git --git-dir=hidden config core.fsmonitor "$MARK";
     git --git-dir=hidden config core.hooksPath "$PWD/hooks"; mkdir hooks;
     for hook in pre-commit post-index-change post-checkout reference-transaction; do
       printf "#!/bin/sh\\n$MARK" > hooks/$hook; chmod +x hooks/$hook
     done;
     echo "gitdir: $PWD/hidden" > .git`,
  ],
  [
    'a git folder in place of .git',
    'rm .git; git init -q .; git config core.fsmonitor "$MARK"; git config core.worktree "$PWD"',
  ],
  [
    'a link in place of .git',
    'rm .git; git init -q own; git -C own config core.fsmonitor "$MARK"; ln -s own/.git .git',
  ],
  [
    'a nested repository with a filter',
    `git init -q nested; cd nested; git config filter.x.clean "$MARK; cat"; git config filter.x.smudge "$MARK; cat";
     git config filter.x.required true; echo "* filter=x" > .gitattributes; echo a > a;
     git -c filter.x.clean=cat add -A; git -c user.name=a -c user.email=a@b -c filter.x.clean=cat commit -qm a; echo b > a`,
  ],
  [
    'a nested repository without commits',
    'git init -q nested; git -C nested config core.fsmonitor "$MARK"; echo a > nested/a',
  ],
  [
    'a bare repository in the tree',
    'git init -q --bare bare; git -C bare config core.fsmonitor "$MARK"',
  ],
  [
    'attributes that name filters and drivers',
    'printf "* filter=lfs diff=x merge=x\\n" > .gitattributes; printf "[filter \\"lfs\\"]\\nclean = $MARK\\n[diff \\"x\\"]\\ncommand = $MARK\\ntextconv = $MARK\\n" > .gitconfig; echo x > big.bin',
  ],
  [
    '.gitmodules with a program as URL',
    'printf "[submodule \\"x\\"]\\npath = x\\nurl = ext::$MARK\\nupdate = !$MARK\\n" > .gitmodules; mkdir x',
  ],
  [
    '.gitmodules whose name leads into hooks',
    'printf "[submodule \\"../../hooks\\"]\\npath = x\\nurl = -u./payload\\n" > .gitmodules; echo x > x',
  ],
  [
    'an LFS configuration',
    'printf "[lfs]\\ncustomtransfer.x.path = $MARK\\nstandalonetransferagent = x\\n" > .lfsconfig',
  ],
  [
    'file names that look like options',
    `touch -- "-upload-pack=$MARK" "--exec=x" "-x"; mkdir -- "-c"; touch -- "-c/core.fsmonitor=x"`,
  ],
  ['file names that a shell would run', 'touch "\\$(id)" "; id" "a|id" "$(printf "new\\nline")"'],
  ['a link that a checkout would follow', 'ln -s .git dotgit; ln -s ../../.. up'],
  [
    'its own global configuration',
    'git config --global core.fsmonitor "$MARK"; git config --global core.hooksPath "$PWD"',
  ],
  [
    'an index of its own',
    'cp "$GIT_FOLDER/index" own-index; GIT_INDEX_FILE=own-index git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),x',
  ],
  ['alternates of its own', 'printf "$PWD/objects\\n" >> "$GIT_FOLDER/objects/info/alternates"'],
  [
    'a ref named like an option',
    'git update-ref "refs/heads/-x" HEAD; git symbolic-ref HEAD refs/heads/--exec=x',
  ],
] as const;

test.each(plants)('%s runs nothing on the host', async (name, plant) => {
  const world = createWorld();
  const { workspaces, repository, outside, dataDir } = world;
  const workspace = await world.prepare('task');
  const mark = join(outside, 'mark');
  const [mirror = ''] = readdirSync(join(dataDir, 'mirrors'));
  const env = {
    MARK: `touch ${mark}`,
    MIRROR: join(dataDir, 'mirrors', mirror),
    GIT_FOLDER: join(dirname(workspace.path), 'git'),
  };

  await world.sh(workspace, `${plant}; cd "$OLDPWD" 2>/dev/null; echo work > work.txt`, { env });
  const outcome = await world.commit(workspace).catch((error: unknown) => codeOf(error));
  if (typeof outcome === 'object') {
    await workspaces.deliver({
      repository,
      branch: 'ado/task',
      commit: outcome.commit,
      ours: [],
    });
    // The next worktree is checked out from what the agent committed.
    const next = await world.prepare('task', { headCommit: outcome.commit });
    await world.sh(next, 'git status; echo more >> work.txt');
    await world.commit(next, { effectId: 'step-2' });
  } else {
    expect(['COMMIT_REFUSED', name]).toEqual([outcome, name]);
  }
  await workspaces.discard('task');

  expect(existsSync(mark)).toBe(false);
  expect(fsck(repository)).toBe('');
  expect(git(repository, 'status', '--porcelain')).toBe('');
});

test('the plants would run code where nobody looks out', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  const mark = join(world.outside, 'mark');

  await world.sh(workspace, 'rm .git; git init -q .; git config core.fsmonitor "$MARK"', {
    env: { MARK: `touch ${mark}` },
  });
  git(workspace.path, 'status');

  expect(existsSync(mark)).toBe(true);
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
