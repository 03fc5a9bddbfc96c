import { pathsIn, splitWords } from './command-files.ts';

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
