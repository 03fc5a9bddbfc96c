import { readConflicts } from './space-merge.ts';

const [tree, base, ours, theirs] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(40));
const side = (mode: string, id: string | undefined, number: number, path: string) =>
  `${mode} ${id} ${number}\t${path}`;
const merging = (path: string) => `1\0${path}\0Auto-merging\0Auto-merging ${path}\n\0`;
const conflict = (path: string) => `1\0${path}\0CONFLICT (contents)\0CONFLICT: ${path}\n\0`;
const output = (entries: readonly string[], messages: string) =>
  `${tree}\0${entries.map((entry) => `${entry}\0`).join('')}\0${messages}`;
const plain = (path: string) => [
  side('100644', base, 1, path),
  side('100644', ours, 2, path),
  side('100644', theirs, 3, path),
];

test('content that git could not put together is told by its ids, whatever the name', () => {
  const path = 'a\tb\nü.ts';

  const read = readConflicts(output(plain(path), merging(path) + conflict(path)));

  const file = { path, mode: '100644', base, ours, theirs };
  expect(read).toEqual({ tree, paths: [path], files: [file] });
});

test('a merge without conflicts has none', () => {
  expect(readConflicts(`${tree}\0`)).toMatchObject({ tree, paths: [] });
});

test.each([
  ['a file that one side deleted', output(plain('x').slice(0, 2), conflict('x'))],
  ['files of no common base', output(plain('x').slice(1), conflict('x'))],
  [
    'a link',
    output(
      plain('x').map((line) => line.replace('100644', '120000')),
      conflict('x'),
    ),
  ],
  [
    'modes that differ',
    output([side('100755', base, 1, 'x'), ...plain('x').slice(1)], conflict('x')),
  ],
  [
    'a conflict of another kind beside it',
    output(plain('x'), `${conflict('x')}2\0x\0y\0CONFLICT (rename/delete)\0y renamed\n\0`),
  ],
  ['messages that cannot be read', output(plain('x'), 'nonsense\0x\0')],
  ['no messages', `${tree}\0${plain('x').join('\0')}`],
])('%s is not content alone', (_name, text) => {
  expect(readConflicts(text)).toMatchObject({ paths: ['x'], files: undefined });
});
