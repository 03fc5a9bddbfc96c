// The check that a worker makes of its sandbox before it serves.
//   - it finds the sandbox of this machine tight, and tells what holds
//   - whatever protection is taken away, it finds out which
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkSandbox } from '../../../adapters/workspaces/check-sandbox.ts';
import { defaultSandboxLimits } from '../../../config/sandbox-limits.ts';
import { noSandbox } from '../../support/no-sandbox.ts';
import { anError, createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

const bubblewrap = execFileSync('sh', ['-c', 'command -v bwrap'], { encoding: 'utf8' }).trim();

/** Checks with another program in bubblewrap's place. */
function checkWith(bwrap: string, options: Partial<Parameters<typeof checkSandbox>[0]> = {}) {
  const { dataDir, homeDir, outside } = createWorld();
  writeFileSync(join(outside, 'bwrap'), `#!/bin/sh\n${bwrap.replaceAll('$SHOWN', homeDir)}`, {
    mode: 0o755,
  });
  return checkSandbox({ dataDir, homeDir, toolPath: `${outside}:/usr/bin`, ...options });
}

test('the sandbox of this machine is tight, and the check leaves nothing behind', async () => {
  const { dataDir, homeDir } = createWorld();

  const report = await checkSandbox({ dataDir, homeDir, toolPath: process.env['PATH'] ?? '' });

  expect(report).toEqual({
    bubblewrap: expect.stringMatching(/^\d+\.\d+/) as string,
    filtersSystemCalls: true,
    limits: defaultSandboxLimits,
    weaknesses: process.getuid?.() === 0 ? [expect.stringContaining('root') as string] : [],
  });
  expect(readdirSync(dataDir)).toEqual(['sandbox']);
});

test('without bubblewrap the check says so', async () => {
  // A PATH on which bubblewrap is a program that fails.
  await expect(checkWith('echo "bwrap: No permissions" >&2; exit 1')).rejects.toEqual(
    anError('SANDBOX_UNAVAILABLE', /No permissions/),
  );
});

/** Becomes bubblewrap after the words up to its program are changed: \`--args 3 --json-status-fd 4 --seccomp 5 --\`. */
const changed = (words: string): string => `shift 7; exec ${bubblewrap} --args 3 ${words} -- "$@"`;
const status = '--json-status-fd 4';
const filter = '--seccomp 5';

test.each([
  [
    'that holds nothing',
    noSandbox,
    /system folders can be written to.*processes of the host can be seen/,
  ],
  ['without the filter of system calls', changed(status), /system calls are not filtered/],
  [
    'with the network of the host',
    changed(`--share-net ${status} ${filter}`),
    /a port of the host can be reached; a socket of the host can be reached$/,
  ],
  [
    'that shows the home folder',
    changed(`${status} ${filter} --ro-bind "$SHOWN" "$SHOWN"`),
    /home\/secret can be read$/,
  ],
  [
    'whose processes cannot be watched',
    // The end is told by hand.
    `shift 7; ${bubblewrap} --args 3 ${filter} -- "$@"; echo '"exit-code":' $? >&4`,
    process.getuid?.() === 0
      ? /memory has no limit; the number of processes has no limit$/
      : /memory has no limit$/,
  ],
  [
    'whose programs set no limits',
    // The shell that sets them, its script, a name and four values.
    `shift 15; exec ${bubblewrap} --args 3 ${status} ${filter} -- "$@"`,
    /processor time has no limit/,
  ],
])('a sandbox %s is found out', async (_name, bwrap, found) => {
  await expect(checkWith(bwrap)).rejects.toEqual(anError('SANDBOX_LEAKS', found));
});

test('a proxy that connects to private addresses is found out', async () => {
  await expect(checkWith(changed(`${status} ${filter}`))).resolves.toBeDefined();
  await expect(
    checkWith(changed(`${status} ${filter}`), { egress: { isReachable: () => true } }),
  ).rejects.toEqual(anError('SANDBOX_LEAKS', /: private addresses can be reached by a name/));
});
