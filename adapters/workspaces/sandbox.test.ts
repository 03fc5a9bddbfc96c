import { defaultSandboxLimits } from '../../config/sandbox-limits.ts';
import type { HostView } from './host-view.ts';
import { environmentOf, sandboxOptions } from './sandbox.ts';

const host: HostView = {
  links: [{ path: '/bin', target: 'usr/bin' }],
  readOnly: [
    { source: '/usr', path: '/usr' },
    { source: '/data/sandbox/etc-1', path: '/etc' },
  ],
  procReadOnly: ['/proc/sys'],
  procHidden: { files: ['/proc/kcore'], folders: ['/proc/acpi'] },
  path: '/opt/node/bin:/usr/bin',
  systemCalls: undefined,
  limits: defaultSandboxLimits,
};

const request = {
  readOnly: ['/data/mirror/objects'],
  writable: ['/data/tree'],
  files: ['/home/me/codemod.mjs', '/usr/bin/env'],
  workDir: '/data/tree',
  env: { ADO_TASK_ID: 'task-1', PATH: '/evil', HOME: '/root' },
};

/** Answers the arguments that follow an option, once for each time that it is there. */
function valuesOf(options: readonly string[], name: string, count: number): string[][] {
  return options.flatMap((word, at) =>
    word === name ? [options.slice(at + 1, at + 1 + count)] : [],
  );
}

test('everything is unshared, dropped and cleared', () => {
  const options = sandboxOptions(host, request);

  expect(options).toEqual(
    expect.arrayContaining(['--unshare-all', '--die-with-parent', '--new-session', '--clearenv']),
  );
  expect(valuesOf(options, '--cap-drop', 1)).toEqual([['ALL']]);
  expect(valuesOf(options, '--uid', 1)).toEqual([['65534']]);
  expect(options).not.toContain('--share-net');
  expect(options).not.toContain('--dev-bind');
});

test('the work tree is the only place of the host that is writable', () => {
  const options = sandboxOptions(host, request);

  expect(valuesOf(options, '--bind', 2)).toEqual([['/data/tree', '/data/tree']]);
});

test('a home folder that is given is mounted in place of the empty one', () => {
  const options = sandboxOptions(host, { ...request, home: '/data/agent-home' });

  expect(valuesOf(options, '--bind', 2)).toContainEqual(['/data/agent-home', '/home/agent']);
  expect(valuesOf(options, '--tmpfs', 1)).not.toContainEqual(['/home/agent']);
});

test('the host is never shown as a whole', () => {
  const shown = ['--bind', '--ro-bind', '--ro-bind-try'].flatMap((name) =>
    valuesOf(sandboxOptions(host, request), name, 2),
  );

  expect(shown.map(([source]) => source)).not.toEqual(expect.arrayContaining(['/']));
});

test('a file of the command is shown read-only, one of the system not again', () => {
  const options = sandboxOptions(host, request);

  expect(valuesOf(options, '--ro-bind-try', 2)).toEqual([
    ['/home/me/codemod.mjs', '/home/me/codemod.mjs'],
  ]);
});

test('private folders are mounted before what is shown inside them', () => {
  const options = sandboxOptions(host, { ...request, writable: ['/tmp/data/tree'] });

  expect(options.indexOf('--tmpfs')).toBeLessThan(options.indexOf('--ro-bind'));
  expect(options.lastIndexOf('--tmpfs')).toBeLessThan(options.indexOf('--bind'));
});

test('what changes the whole machine is closed in /proc', () => {
  const options = sandboxOptions(host, request);

  expect(valuesOf(options, '--ro-bind', 2)).toEqual(
    expect.arrayContaining([
      ['/proc/sys', '/proc/sys'],
      ['/dev/null', '/proc/kcore'],
    ]),
  );
  expect(options.indexOf('/proc/sys')).toBeGreaterThan(options.indexOf('--proc'));
});

test('the root becomes read-only after all mounts', () => {
  const options = sandboxOptions(host, request);
  const last = Math.max(...['--bind', '--ro-bind-try'].map((name) => options.lastIndexOf(name)));

  expect(options.lastIndexOf('--remount-ro')).toBeGreaterThan(last);
});

test('a program cannot be given another PATH, HOME or TMPDIR', () => {
  const env = environmentOf(
    { PATH: '/evil', HOME: '/root', TMPDIR: '/', A: '1' },
    { path: '/usr/bin', home: '/home/agent', tmp: '/tmp' },
  );

  expect(env).toEqual({
    A: '1',
    LANG: 'C.UTF-8',
    PATH: '/usr/bin',
    HOME: '/home/agent',
    TMPDIR: '/tmp',
  });
});
