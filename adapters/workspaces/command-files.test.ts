import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeCommand, pathsIn, splitWords } from './command-files.ts';

test.each([
  ['node /a/b.mjs --x', ['node', '/a/b.mjs', '--x']],
  [`node '/a b/c.mjs'`, ['node', '/a b/c.mjs']],
  [`node "/a \\"b\\"/c" d`, ['node', '/a "b"/c', 'd']],
  ['a\\ b c', ['a b', 'c']],
  [`pre'mid'"end" x`, ['premidend', 'x']],
  ['cd x&&/a/b.sh|tee>/c;d', ['cd', 'x', '/a/b.sh', 'tee', '/c', 'd']],
  [`it's`, ['its']],
  ['', []],
])('%s is split into words like in a shell', (command, words) => {
  expect(splitWords(command)).toEqual(words);
});

test.each([
  ['node /home/me/fix.mjs /home/me/fix.mjs', ['/home/me/fix.mjs']],
  ['tool --config=/home/me/c.json', ['/home/me/c.json']],
  ['/usr/bin/env sh /bin/x', []],
  ['cat /etc/passwd /proc/1/environ', []],
  ['cat ./a b/c', []],
  ['cat /home/me/../../etc/passwd', []],
])('%s names the files %j', (command, paths) => {
  expect(pathsIn(command)).toEqual(paths);
});

test('the digest follows the words and the contents of files, folders and absent files do not count', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-command-'));
  const file = join(folder, 'fix.mjs');
  const command = `node ${file} ${folder} ${folder}/absent`;
  writeFileSync(file, 'one');
  const first = await describeCommand(command);
  const again = await describeCommand(command);
  writeFileSync(file, 'two');
  const changed = await describeCommand(command);
  const otherWords = await describeCommand(`${command} --flag`);
  rmSync(folder, { recursive: true });

  expect(first.files).toEqual([file]);
  expect(again.digest).toBe(first.digest);
  expect(first.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set([first.digest, changed.digest, otherWords.digest]).size).toBe(3);
});
