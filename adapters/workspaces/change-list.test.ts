import { assertCommittable, leavesTree, maxPatchBytes, parseChange } from './change-list.ts';

const id = '1'.repeat(40);
const none = '0'.repeat(40);

function output(...parts: readonly string[]): Buffer {
  return Buffer.from(parts.join('\0'));
}

test('files, lines and patch are told apart', () => {
  const change = parseChange(
    output(
      `:000000 100644 ${none} ${id} A`,
      'new file.txt',
      `:100644 000000 ${id} ${none} D`,
      'old\nname',
      '3\t0\tnew file.txt',
      '0\t2\told\nname',
      '',
      'diff --git a/new file.txt b/new file.txt\n',
    ),
    false,
  );

  expect(change.files.map(({ path, mode }) => [path, mode])).toEqual([
    ['new file.txt', '100644'],
    ['old\nname', '000000'],
  ]);
  expect(change.diffStat).toEqual({ files: 2, insertions: 3, deletions: 2 });
  expect(change.patch).toBe('diff --git a/new file.txt b/new file.txt\n');
});

test('a rename counts once, under its new path', () => {
  const change = parseChange(
    output(
      `:100644 100755 ${none} ${id} R098`,
      'a.txt',
      'b.txt',
      '1\t0\t',
      'a.txt',
      'b.txt',
      '',
      'x',
    ),
    false,
  );

  expect(change.files).toEqual([
    { path: 'b.txt', mode: '100755', oldMode: '100644', objectId: id },
  ]);
  expect(change.diffStat).toEqual({ files: 1, insertions: 1, deletions: 0 });
});

test('a binary file counts as changed, without lines', () => {
  const change = parseChange(
    output(`:100644 100644 ${none} ${id} M`, 'a.png', '-\t-\ta.png', '', 'x'),
    false,
  );

  expect(change.diffStat).toEqual({ files: 1, insertions: 0, deletions: 0 });
});

test('no output is no change', () => {
  expect(parseChange(Buffer.alloc(0), false)).toEqual({
    files: [],
    diffStat: { files: 0, insertions: 0, deletions: 0 },
    patch: '',
  });
});

test('a patch that is too long ends behind a whole file', () => {
  const file = `diff --git a/x b/x\n${'+line\n'.repeat(1_000_000)}`;
  const lists = output(`:100644 100644 ${none} ${id} M`, 'x', '1\t0\tx', '', file + file);

  const { patch } = parseChange(lists, true);

  expect(patch.length).toBeLessThan(maxPatchBytes);
  expect(patch).toMatch(/\n# The patch goes on: it is longer than 6 MiB\.\n$/);
});

test('a patch holds no NUL, which no store takes', () => {
  const change = parseChange(
    Buffer.concat([
      output(`:100644 100644 ${none} ${id} M`, 'x', '1\t0\tx', '', 'a'),
      Buffer.from('\0b'),
    ]),
    false,
  );

  expect(change.patch).toBe('a\uFFFDb');
});

describe('what may not become a commit', () => {
  const cases = [
    ['a nested repository', { mode: '160000', oldMode: '000000', path: 'sub' }, /^sub is a git/],
    ['a moved submodule', { mode: '160000', oldMode: '160000', path: 'sub' }, /^sub is a submod/],
    ['.gitmodules', { mode: '100644', oldMode: '000000', path: '.gitmodules' }, /^\.gitmodules/],
    ['a link out', { mode: '120000', oldMode: '000000', path: 'a/link' }, /^a\/link is a link/],
  ] as const;

  test.each(cases)('%s', (_name, file, message) => {
    const change = {
      files: [{ ...file, objectId: id }],
      diffStat: { files: 1, insertions: 0, deletions: 0 },
      patch: '',
    };

    expect(() => assertCommittable(change, ['../../etc/passwd'])).toThrow(
      expect.objectContaining({
        code: 'COMMIT_REFUSED',
        message: expect.stringMatching(message),
      }) as Error,
    );
  });

  test('but a removed submodule and its entry may', () => {
    const files = [
      { mode: '000000', oldMode: '160000', path: 'sub', objectId: none },
      { mode: '000000', oldMode: '100644', path: '.gitmodules', objectId: none },
    ];

    expect(() =>
      assertCommittable(
        { files, diffStat: { files: 2, insertions: 0, deletions: 0 }, patch: '' },
        [],
      ),
    ).not.toThrow();
  });
});

test.each([
  ['link', '/etc/passwd', true],
  ['link', '..', true],
  ['link', '../other', true],
  ['a/b/link', '../../c', false],
  ['a/b/link', '../../../c', true],
  ['a/link', '../a/../../x', true],
  ['link', 'a/../b', true],
  ['a/link', '../b/../c', true],
  ['a/link', '.././../b', true],
  ['a/link', './../b', false],
  ['a/b/link', '../..', false],
  ['link', '.git', true],
  ['a/link', '../.Git/hooks', true],
  ['link', '.github/x', false],
  ['link', '..data', false],
])('the link %s to %s leaves the tree: %s', (path, target, expected) => {
  expect(leavesTree(path, target)).toBe(expected);
});
