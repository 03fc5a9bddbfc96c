// Patches are taken apart as git writes them:
//   - what git itself says of a change (numstat, names) is what is read out of its patch
//   - content that looks like a header stays content
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { eachPatchLine, readPatch } from './read-patch.ts';

function git(folder: string, ...words: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@localhost'];
  return execFileSync('git', ['-C', folder, ...identity, ...words], { encoding: 'utf8' });
}

const names = {
  newline: 'new\nline "and" \\ ä',
  spaces: 'with spaces b/x',
  escape: 'esc\u001b[31m',
};

/** A repository with a change of every kind. */
function aRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ado-patch-'));
  const write = (name: string, content: string | Buffer): void => {
    writeFileSync(join(folder, name), content);
  };
  mkdirSync(join(folder, 'with spaces b'));
  git(folder, 'init', '--quiet');
  write('changed', '-- not a header\nkeep\n++ nor this\n');
  write('gone', 'one\ntwo');
  write('moved', 'a\nb\nc\nd\ne\nf\n');
  write('mode', 'x\n');
  write('binary', Buffer.from([0, 1, 2, 255]));
  write(names.spaces, 'old\n');
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '-m', 'base');
  write('changed', 'keep\ndiff --git a/evil b/evil\n@@ -1,5 +1,5 @@\n++ b/evil\n');
  rmSync(join(folder, 'gone'));
  renameSync(join(folder, 'moved'), join(folder, 'moved there'));
  chmodSync(join(folder, 'mode'), 0o755);
  write('binary', Buffer.from([3, 0, 2, 255]));
  write(names.spaces, 'new\n');
  write(names.newline, 'n\n');
  write(names.escape, '');
  git(folder, 'add', '--all');
  return folder;
}

it('says of every file what git says of it', () => {
  const folder = aRepository();
  const patch = git(folder, 'diff', '--cached', '--binary', '--find-renames');
  const numstat = git(folder, 'diff', '--cached', '--numstat', '-z', '--no-renames').split('\0');

  const files = readPatch(patch);

  const told = Object.fromEntries(files.map((file) => [file.path, file]));
  expect(told).toMatchObject({
    binary: { change: 'modified', isBinary: true },
    changed: { change: 'modified', insertions: 3, deletions: 2 },
    gone: { change: 'deleted', deletions: 2 },
    mode: { change: 'modified', insertions: 0, deletions: 0 },
    'moved there': { change: 'renamed', oldPath: 'moved', insertions: 0 },
    [names.newline]: { change: 'added', insertions: 1 },
    [names.escape]: { change: 'added', insertions: 0 },
    [names.spaces]: { change: 'modified', insertions: 1, deletions: 1 },
  });
  expect(files).toHaveLength(8);
  for (const line of numstat.filter((row) => row !== '' && !row.includes('moved'))) {
    const [insertions = '', deletions = '', path = ''] = line.split('\t');
    if (insertions === '-') continue;
    expect([path, told[path]?.insertions, told[path]?.deletions]).toEqual([
      path,
      Number(insertions),
      Number(deletions),
    ]);
  }
});

it('loses no line', () => {
  const patch = git(aRepository(), 'diff', '--cached', '--binary', '--find-renames');

  const lines = Array.from(eachPatchLine(patch), (line) => `${line.text}\n`);

  expect(lines.join('')).toBe(patch);
});

it('loses no line of whatever text, and ends', () => {
  const word = fc.constantFrom(
    'diff --git ',
    'a/x b/x',
    '@@ -1,3 +1,2 @@',
    '@@ -0,0 +1 @@',
    '+',
    '-',
    ' ',
    '\\',
    '\n',
    '\r',
  );
  const text = fc
    .array(fc.oneof(word, fc.string()), { maxLength: 60 })
    .map((words) => words.join(''));
  fc.assert(
    fc.property(text, (patch) => {
      const lines = Array.from(eachPatchLine(patch), (line) => `${line.text}\n`).join('');

      expect(lines).toBe(patch === '' || patch.endsWith('\n') ? patch : `${patch}\n`);
      expect(readPatch(patch).length).toBeLessThanOrEqual(patch.split('diff --git ').length);
    }),
  );
});
