/**
 * Names that lead out of their folder, in what comes from a repository or an agent.
 *   - a base commit with such names is refused or checked out harmlessly: nothing is written outside of the work tree
 *   - odd names and contents of an agent come out of the patch as they went in, and `git apply` writes nothing elsewhere
 *   - links that lead out are refused however they are put together
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readPatch } from '../../../cli/patch/read-patch.ts';
import { quotePath } from '../../../cli/reveal.ts';
import { codeOf } from '../../../contracts/errors.ts';
import { fsck, git } from '../../support/repositories.ts';
import { anError, createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

const loot = 'PLANTED\n';

/** An entry of a tree: a file with the loot, a link to a target, or a tree of its own. */
type Entry = readonly [name: string, what: 'file' | { readonly link: string } | readonly Entry[]];

/** Writes objects that git's own commands would not: names are not looked at. */
function writeObject(repository: string, type: 'tree' | 'blob', content: Buffer | string): string {
  const args = ['hash-object', '-t', type, '-w', '--literally', '--stdin'];
  return execFileSync('git', args, { cwd: repository, input: content }).toString().trim();
}

function writeTree(repository: string, entries: readonly Entry[]): string {
  const parts = entries.map(([name, what]) => {
    const [mode, id] =
      what === 'file'
        ? ['100755', writeObject(repository, 'blob', loot)]
        : 'link' in what
          ? ['120000', writeObject(repository, 'blob', what.link)]
          : ['40000', writeTree(repository, what)];
    return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, 'hex')]);
  });
  return writeObject(repository, 'tree', Buffer.concat(parts));
}

/** Files with the loot in a folder, but for one folder in it. */
function lootIn(folder: string, except: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(`${except}/`) && readFileSync(path, 'utf8') === loot);
}

const bases = (outside: string): readonly (readonly [string, readonly Entry[]])[] => [
  ['a folder ..', [['..', [['planted', 'file']]]]],
  ['a folder .. further down', [['a', [['..', [['..', [['planted', 'file']]]]]]]]],
  ['a file ../planted', [['../planted', 'file']]],
  ['a file further up', [['../../../../../outside/planted', 'file']]],
  ['an absolute file', [[join(outside, 'planted'), 'file']]],
  ['a file under .. behind a folder', [['a/../../planted', 'file']]],
  ['a file in the folder .', [['.', [['planted', 'file']]]]],
  ['a file without a name', [['', [['planted', 'file']]]]],
  ['a hook in .git', [['.git', [['hooks', [['post-checkout', 'file']]]]]]],
  ['a file .git', [['.git', 'file']]],
  ['a hook in .GIT', [['.GIT', [['hooks', [['post-checkout', 'file']]]]]]],
  ['a hook in a nested .git', [['sub', [['.git', [['hooks', [['post-checkout', 'file']]]]]]]]],
  ['a hook in git~1', [['git~1', [['hooks', [['post-checkout', 'file']]]]]]],
  [
    'a link and a folder of one name',
    [
      ['l', { link: outside }],
      ['l', [['planted', 'file']]],
    ],
  ],
  [
    'a folder and a link of one name',
    [
      ['l', [['planted', 'file']]],
      ['l', { link: outside }],
    ],
  ],
  [
    'a link up and a folder of one name',
    [
      ['l', { link: '..' }],
      ['l', [['planted', 'file']]],
    ],
  ],
  [
    'a link and a file behind it',
    [
      ['l', { link: outside }],
      ['l/planted', 'file'],
    ],
  ],
  ['backslashes', [['..\\..\\planted', 'file']]],
  [
    'a drive',
    [
      ['C:\\planted', 'file'],
      ['C:planted', 'file'],
    ],
  ],
  [
    'line ends and control characters',
    [
      ['\n..\n', 'file'],
      ['\u001b[2J\r', 'file'],
    ],
  ],
];

const baseNames = bases('').map(([name], place) => [name, place] as const);

test.each(baseNames)(
  'a base with %s writes nothing outside of its work tree',
  async (_name, place) => {
    const world = createWorld();
    const { repository, outside, dataDir } = world;
    const [, entries = []] = bases(outside)[place] ?? [];
    const tree = writeTree(repository, entries);
    const base = git(repository, 'commit-tree', '-m', 'base', '-p', world.baseCommit, tree);

    const request = { key: 'task', repository, baseCommit: base, headCommit: base };
    const prepared = await world.workspaces
      .prepare({ ...request, branch: 'ado/task' })
      .catch((error: unknown) => codeOf(error));
    if (typeof prepared === 'object') {
      await world.sh(prepared, 'echo more > more');
      await world
        .commit(prepared, { baseCommit: base })
        .catch((error: unknown) => expect(error).toEqual(anError('COMMIT_REFUSED')));
    } else {
      expect(prepared).toBe('WORKSPACE_FAILED');
    }

    const folder = dirname(dataDir);
    const except = typeof prepared === 'object' ? prepared.path : join(folder, 'none');
    expect(lootIn(folder, except)).toEqual([]);
  },
);

test('the same names lead out where each file is written to its path', () => {
  const { repository, outside } = createWorld();
  const tree = join(outside, 'a', 'b', 'c');
  mkdirSync(tree, { recursive: true });
  const leading = bases(outside).filter(([name]) => /\.\.|planted|further|absolute/.test(name));

  for (const [, entries] of leading) {
    const id = writeTree(repository, entries);
    const list = git(repository, 'ls-tree', '-r', '-z', id).split('\0').filter(Boolean);
    for (const path of list.map((line) => line.slice(line.indexOf('\t') + 1))) {
      execFileSync(
        'sh',
        ['-c', 'mkdir -p "$(dirname "$1")"; printf "PLANTED\\n" > "$1"', 'sh', path],
        {
          cwd: tree,
        },
      );
    }
  }

  expect(lootIn(outside, tree)).not.toEqual([]);
});

/** Files that an agent makes; the shell reads `$NAME` as it stands. */
const names = [
  '..planted',
  '...',
  'a..b',
  '-rf',
  '--directory=..',
  ' ',
  'with space\t',
  'quote"\'`$(id)',
  'back\\..\\..\\slash',
  'C:\\windows',
  'new\nline',
  'x\n--- a/x\n+++ b/planted\n@@ -0,0 +1 @@\n+PLANTED',
  'x\ndiff --git a/planted b/planted',
  '\u001b[2J\u0007\r',
  '\u202etxt.exe',
  'b => ..',
  '{a => ../..}',
  'dev/null',
  '/a/deep/one'.slice(1),
  'ä€🙂',
];

test('odd names come out of a patch as they went in, and nothing is applied elsewhere', async () => {
  const world = createWorld();
  const { outside, repository } = world;
  const workspace = await world.prepare('task');
  for (const name of names) {
    // The content is a patch too: of a file above.
    const text = `diff --git a/../planted b/../planted\nnew file mode 100644\n--- /dev/null\n+++ b/../planted\n@@ -0,0 +1 @@\n+${name}\n`;
    await world.sh(workspace, 'mkdir -p -- "$(dirname -- "./$NAME")"; cat > "./$NAME"', {
      env: { NAME: name },
      input: text,
    });
  }

  const { commit, patch } = await world.commit(workspace);

  expect(
    readPatch(patch)
      .map(({ path }) => path)
      .sort(),
  ).toEqual([...names].sort());
  for (const { path } of readPatch(patch))
    expect(quotePath(path)).not.toMatch(/[\u0000-\u001f\u202e]/);
  await world.workspaces.deliver({ repository, branch: 'ado/task', commit, ours: [] });
  const clone = join(outside, 'clone', 'inner');
  git(outside, 'clone', '--quiet', repository, clone);
  execFileSync('git', ['apply', '--index', '-'], { cwd: clone, input: patch });
  expect(git(clone, 'write-tree')).toBe(git(repository, 'rev-parse', 'ado/task^{tree}'));
  expect(readdirSync(outside)).toEqual(['clone']);
  expect(readdirSync(join(outside, 'clone'))).toEqual(['inner']);
  expect(fsck(repository)).toBe('');
});

describe('links that lead out are refused', () => {
  const links = [
    ['an absolute one', 'ln -s "$OUTSIDE" link'],
    ['one to nothing', 'ln -s /nowhere link'],
    ['one upwards', 'ln -s .. link'],
    ['one upwards from below', 'mkdir -p a/b; ln -s ../../.. a/b/link'],
    ['one down and up', 'mkdir a; ln -s a/../../x link'],
    ['one with dots between', 'ln -s ./.././x link'],
    [
      'one up by way of another',
      'mkdir -p a/b; echo x > a/b/x; ln -s .. a/up; ln -s a/up/../x link',
    ],
    ['one over two others', 'mkdir a; ln -s .. a/up; ln -s a/up l1; ln -s l1/../x link'],
    ['one to .git', 'ln -s .git link'],
    ['one into .git', 'ln -s .GIT/hooks link'],
    ['one into the .git of a folder', 'mkdir sub; ln -s ../.git/hooks sub/link'],
  ] as const;

  test.each(links)('%s', async (_name, command) => {
    const world = createWorld();
    const workspace = await world.prepare('task');
    await world.sh(workspace, command, { env: { OUTSIDE: world.outside } });

    await expect(world.commit(workspace)).rejects.toEqual(
      anError('COMMIT_REFUSED', /^(\w+\/)*link is a link that leads out/),
    );
  });

  test('others are not', async () => {
    const world = createWorld();
    const workspace = await world.prepare('task');
    await world.sh(
      workspace,
      'mkdir -p a/b; ln -s b a/one; ln -s ../README.md a/two; ln -s ../../src a/b/three; ln -s ..data four; ln -s .github/x five; ln -s ./a/ six; ln -s a/up seven; ln -s .. a/up',
    );

    expect((await world.commit(workspace)).diffStat.files).toBe(8);
  });
});
