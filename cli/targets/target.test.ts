import { namesOf, toRepository } from './target.ts';

const here = { cwd: '/srv/here', homeDir: '/home/me' };

it.each([
  ['a', '/srv/here/a'],
  ['../b/', '/srv/b'],
  ['/abs', '/abs'],
  ['~/c', '/home/me/c'],
  ['https://h/o/r.git', 'https://h/o/r.git'],
  ['ssh://git@h/o/r', 'ssh://git@h/o/r'],
  ['file:///r', 'file:///r'],
  ['git@h:o/r.git', 'git@h:o/r.git'],
  ['./odd:name', '/srv/here/odd:name'],
])('%s stands for %s', (text, expected) => {
  expect(toRepository(text, here)).toBe(expected);
});

it('a target is called by its name, with its owner, from here, and whole', () => {
  expect(namesOf({ repository: '/srv/here/repos/app' }, here.cwd)).toEqual([
    'app',
    'repos/app',
    'repos/app',
    '/srv/here/repos/app',
  ]);
  expect(namesOf({ repository: 'https://h/o/app.git' }, here.cwd)).toEqual([
    'app',
    'o/app',
    'https://h/o/app.git',
  ]);
});
