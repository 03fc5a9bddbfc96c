import { locationOf, pickRef } from './targets.ts';

test.each([
  ['/a/b', { kind: 'local', path: '/a/b' }],
  ['file:///a/b%20c', { kind: 'local', path: '/a/b c' }],
  ['https://host/a.git', { kind: 'remote', url: 'https://host/a.git' }],
  ['ssh://git@host:22/a', { kind: 'remote', url: 'ssh://git@host:22/a' }],
  ['git@host:a/b.git', { kind: 'remote', url: 'git@host:a/b.git' }],
])('%s is a repository', (name, location) => {
  expect(locationOf(name)).toEqual(location);
});

test.each([
  '--upload-pack=touch /tmp/x',
  '-oProxyCommand=x',
  'ext::sh -c touch% /tmp/x',
  'fd::17',
  'ssh://-oProxyCommand=x/y',
  'https://host/a b',
  './relative',
  'file://other-host/a',
])('%s is refused before git sees it', (name) => {
  expect(() => locationOf(name)).toThrow(
    expect.objectContaining({ code: 'REPOSITORY_NOT_FOUND' }) as Error,
  );
});

test('the commit of a tag is taken, not the tag', () => {
  const listing = 'aaa\trefs/tags/v1\nbbb\trefs/tags/v1^{}\n';

  expect(pickRef(listing, ['refs/heads/v1', 'refs/tags/v1^{}', 'refs/tags/v1'])).toBe('bbb');
});

test('a branch with the same end of its name is not taken', () => {
  expect(pickRef('aaa\trefs/heads/x/main\n', ['refs/heads/main'])).toBeUndefined();
});
