import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutRoot } from './checkout.ts';
import { isAtLeast, oldest, temporalVersions } from './versions.ts';

const goModule = readFileSync(join(checkoutRoot(), 'tools', 'temporal', 'go.mod'), 'utf8');

/** The version that go.mod requires of a module. */
function requiredVersion(module: string): string | undefined {
  const line = goModule.split('\n').find((text) => text.trim().startsWith(`${module} v`));
  return line?.trim().split(' ')[1]?.slice(1);
}

test.each([
  ['github.com/temporalio/cli', temporalVersions.cli],
  ['go.temporal.io/server', temporalVersions.server],
  ['github.com/temporalio/ui-server/v2', temporalVersions.ui],
])('the pinned version of %s is the one that the tools module builds', (module, version) => {
  expect(requiredVersion(module)).toBe(version);
});

test('the oldest Go is the one that the tools module asks for', () => {
  expect(/^go (\S+)$/m.exec(goModule)?.[1]).toBe(oldest.go);
});

test.each([
  ['2.39.5', '2.39.0', true],
  ['15.20', '14.0', true],
  ['7.0', '7.0.1', false],
  ['go1.26.8', '1.26.4', true],
  ['1.9.0', '1.10.0', false],
  ['22.12.0', '22.12.0', true],
])('%s is at least %s: %p', (version, minimum, answer) => {
  expect(isAtLeast(version, minimum)).toBe(answer);
});
