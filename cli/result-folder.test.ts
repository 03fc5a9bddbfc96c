import { nameFolders } from './result-folder.ts';

it('folders are named owner__name; equal names are numbered, also where only case differs', () => {
  expect(
    nameFolders(['https://h/o/r.git', '/srv/o/r', 'git@h:O/R.git', '/x/.hidden', '/odd name/ä']),
  ).toEqual(['o__r', 'o__r__2', 'O__R__3', 'x__.hidden', 'odd_name___']);
});

it('no folder begins with a dot', () => {
  expect(nameFolders(['.git', '/.config/x']).filter((name) => name.startsWith('.'))).toEqual([]);
});

it('no folder is longer than file systems take, and long ones stay apart', () => {
  const long = 'x'.repeat(300);
  const names = nameFolders([`/r/${long}1`, `/r/${long}2`]);

  expect(new Set(names).size).toBe(2);
  for (const name of names) expect(name.length).toBeLessThan(255);
});
