import { isRemote } from './is-remote.ts';

test.each([
  ['/srv/one.git', false],
  ['file:///srv/one.git', false],
  ['https://github.com/acme/widgets', true],
  ['ssh://git@host/one', true],
  ['git@github.com:acme/widgets.git', true],
  ['git://127.0.0.1:9418/one.git', true],
])('%s: on another host is %s', (repository, remote) => {
  expect(isRemote(repository)).toBe(remote);
});
