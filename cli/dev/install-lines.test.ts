import { installLine, recogniseSystem } from './install-lines.ts';

test.each([
  ['redis', { packageManager: 'apt-get', isRoot: false }, 'sudo apt-get install -y redis-server'],
  ['redis', { packageManager: 'apt-get', isRoot: true }, 'apt-get install -y redis-server'],
  ['postgres', { packageManager: 'dnf', isRoot: false }, 'sudo dnf install -y postgresql-server'],
  ['redis', { packageManager: 'apk', isRoot: true }, 'apk add redis'],
  ['postgres', { packageManager: 'brew', isRoot: false }, 'brew install postgresql@17'],
] as const)('%s is installed on %p by %s', (what, system, line) => {
  expect(installLine(what, system)).toBe(line);
});

test('an unknown system gets words instead of a wrong command', () => {
  const line = installLine('redis', { packageManager: undefined, isRoot: false });

  expect(line).toBe('install Redis or Valkey with your package manager');
});

test('this system is recognised without any program on PATH, or not at all', () => {
  expect(() => recogniseSystem({ PATH: '' })).not.toThrow();
});
