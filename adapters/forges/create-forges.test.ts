import { placeOf } from './create-forges.ts';

test.each([
  ['https://github.com/acme/widgets', 'github.com', 'acme/widgets'],
  ['https://user:secret@GitHub.com/acme/widgets.git/', 'github.com', 'acme/widgets'],
  ['git@github.com:acme/widgets.git', 'github.com', 'acme/widgets'],
  ['ssh://git@code.example:2222/acme/tools/widgets.git', 'code.example', 'acme/tools/widgets'],
  ['git://127.0.0.1:9418/acme/widgets', '127.0.0.1', 'acme/widgets'],
])('%s is %s on %s', (repository, host, path) => {
  expect(placeOf(repository)).toEqual({ host, path });
});

test.each([
  ...['/repositories/one', 'file:///repositories/one', 'https://github.com/'],
  'git@github.com:../user',
])('%s is at no host', (repository) => {
  expect(placeOf(repository)).toBeUndefined();
});
