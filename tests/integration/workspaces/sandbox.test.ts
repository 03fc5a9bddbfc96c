/**
 * What an agent can reach from inside the sandbox.
 *   - nothing of the home folder, of other worktrees, of the mirrors' refs, of the host's accounts and processes
 *   - no network, no environment of the worker, no inherited descriptor
 *   - nothing that it starts outlives it, the worker's death included
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorkspaces } from '../../../adapters/workspaces/create-workspaces.ts';
import { anError, createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

test('a program works in its worktree as the only place that lasts', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');

  const ran = await sh(workspace, 'pwd; cat README.md; echo made > new; id -u; hostname');

  expect(ran.exitCode).toBe(0);
  expect(ran.stdout).toBe(`${workspace.path}\n# Repository 0\n65534\nado\n`);
  expect(readFileSync(join(workspace.path, 'new'), 'utf8')).toBe('made\n');
});

test('git tells about the work inside, and cannot write its folder', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');

  const ran = await sh(
    workspace,
    'echo x >> README.md; git status --short; git diff --stat; git log --format=%s; git branch; git commit -qam x',
  );

  expect(ran.stdout).toContain(' M README.md\n');
  expect(ran.stdout).toContain('first\n* ado/task\n');
  expect(ran.stderr).toContain('Read-only file system');
  expect(ran.exitCode).not.toBe(0);
});

describe('out of reach', () => {
  const probes = [
    ['the home folder', 'cat "$HOME_DIR/secret"'],
    ['other folders of the host', 'ls "$OUTSIDE"'],
    ['other worktrees', 'ls "$OTHER"'],
    ['the refs of the mirror', 'cat "$MIRROR/HEAD"'],
    ['the accounts of the host', 'cat /etc/shadow'],
    ['processes of the host', 'kill -0 "$WORKER"'],
    [
      'the environment of the first process',
      'tr "\\0" "\\n" < /proc/1/environ | grep -q ADO_CANARY',
    ],
    ['mounting', 'mount -t tmpfs none /mnt'],
    ['devices', 'cat /dev/vda /dev/sda /dev/mem'],
    ['a set-user-id program', 'su -c true root'],
    ['system folders', 'echo x > /usr/bin/x'],
    ['the root folder', 'echo x > /x'],
    ['the objects of the mirror', 'echo x > "$MIRROR/objects/x"'],
    ['its own git folder', 'echo x > "$GIT_FOLDER/config"'],
    ['the docker socket', 'ls /var/run/docker.sock'],
    ['a new network', 'ip link add dummy0 type dummy'],
    ['a link to the home folder', 'ln -s "$HOME_DIR" leak && cat leak/secret'],
    ['a hard link to the host', 'ln "$HOME_DIR/secret" hard'],
    ['the root of another process', 'cat /proc/1/root"$HOME_DIR"/secret'],
    // Opened, not written to: where this fails, it must not harm the machine.
    ['the program for core dumps', ': >> /proc/sys/kernel/core_pattern'],
    ['other kernel settings', ': >> /proc/sys/kernel/panic'],
    ['the system request key', ': >> /proc/sysrq-trigger'],
    ['interrupts', ': >> /proc/irq/default_smp_affinity'],
    ['memory of the kernel', 'head -c 1 /proc/kcore'],
  ] as const;

  test.each(probes)('%s', async (_name, probe) => {
    process.env['ADO_CANARY'] = 'canary';
    const { prepare, sh, homeDir, outside, dataDir } = createWorld();
    const other = await prepare('other');
    const workspace = await prepare('task');
    const [mirror = ''] = readdirSync(join(dataDir, 'mirrors'));
    const env = {
      HOME_DIR: homeDir,
      OUTSIDE: outside,
      OTHER: other.path,
      MIRROR: join(dataDir, 'mirrors', mirror),
      GIT_FOLDER: join(dirname(workspace.path), 'git'),
      WORKER: String(process.pid),
    };

    const ran = await sh(workspace, `${probe} 2>/dev/null`, { env });

    expect(ran.exitCode).not.toBe(0);
    expect(ran.stdout).not.toContain('SECRET');
  });
});

test('the environment is what was asked for, and four names more', async () => {
  process.env['ADO_CANARY'] = 'canary';
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');

  const ran = await sh(workspace, 'env | cut -d= -f1 | sort | tr "\\n" " "', {
    env: { ADO_TASK_ID: 'task', ADO_PROMPT: 'two\nlines' },
  });

  // PWD is the shell's own, `lines` the second line of the prompt.
  expect(ran.stdout.trim().split(' ')).toEqual([
    'ADO_PROMPT',
    'ADO_TASK_ID',
    'HOME',
    'LANG',
    'PATH',
    'PWD',
    'TMPDIR',
    'lines',
  ]);
});

test('there is no network, not even to the host itself', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  const ran = await sh(
    workspace,
    `git ls-remote git://127.0.0.1:${port}/x; grep -c : /proc/net/dev`,
  );

  expect(connections).toBe(0);
  expect(ran.stderr).toContain('Connection refused');
  expect(ran.stdout.trim()).toBe('1');
  server.close();
});

test('no descriptor of the worker is open inside', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');

  const ran = await sh(workspace, '', { argv: ['ls', '/proc/self/fd'] });

  // 3 is the folder that `ls` reads.
  expect(ran.stdout).toBe('0\n1\n2\n3\n');
});

test('a file that the command names is readable at its path, its neighbours are not', async () => {
  const { prepare, sh, outside } = createWorld();
  const workspace = await prepare('task');
  writeFileSync(join(outside, 'codemod.sh'), 'echo ran\n');
  writeFileSync(join(outside, 'neighbour'), 'SECRET');

  const ran = await sh(
    workspace,
    `sh ${outside}/codemod.sh; ls ${outside}; echo x > ${outside}/codemod.sh`,
    {
      readable: [join(outside, 'codemod.sh')],
    },
  );

  expect(ran.stdout).toBe('ran\ncodemod.sh\n');
  expect(readFileSync(join(outside, 'codemod.sh'), 'utf8')).toBe('echo ran\n');
});

test('a toolchain on PATH is shown with its libraries, hidden folders of home are not', async () => {
  const { dataDir, homeDir, repository, baseCommit } = createWorld();
  for (const folder of [
    'tool/bin',
    'tool/lib',
    '.local/bin',
    '.local/lib',
    '.local/share',
    'bin',
    'lib',
  ]) {
    mkdirSync(join(homeDir, folder), { recursive: true });
  }
  writeFileSync(join(homeDir, 'tool/lib/data'), 'library');
  writeFileSync(join(homeDir, 'tool/bin/tool'), `#!/bin/sh\ncat ${homeDir}/tool/lib/data`, {
    mode: 0o755,
  });
  writeFileSync(join(homeDir, '.local/bin/local-tool'), '#!/bin/sh\necho local', { mode: 0o755 });
  writeFileSync(join(homeDir, '.local/share/key'), 'SECRET');
  const toolPath = [
    ...['tool/bin', '.local/bin', 'bin'].map((name) => join(homeDir, name)),
    '/usr/bin',
    '/bin',
  ];
  const workspaces = createWorkspaces({
    dataDir: join(dataDir, 'second'),
    homeDir,
    toolPath: toolPath.join(':'),
    allowUnsandboxed: false,
    crashpoint: () => Promise.resolve(),
  });
  const workspace = await workspaces.prepare({
    key: 'task',
    repository,
    baseCommit,
    headCommit: baseCommit,
    branch: 'ado/task',
  });

  const ran = await workspaces.run(workspace, {
    argv: ['sh', '-c', `tool; local-tool; ls -A ${homeDir} ${homeDir}/.local`],
    sandbox: 'bubblewrap',
    timeoutMs: 10_000,
  });
  workspaces.close();

  expect(ran.stdout.replace(homeDir, '~').replace(homeDir, '~')).toBe(
    'librarylocal\n~:\n.local\nbin\ntool\n\n~/.local:\nbin\n',
  );
});

test('a program that takes too long is killed with all it has started', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');
  const mark = `ado-orphan-${process.pid}-${Date.now()}`;

  const ran = await sh(
    workspace,
    `(exec -a ${mark} sleep 300) & sh -c 'sleep 301 # ${mark}' & echo started; wait`,
    {
      argv: [
        'bash',
        '-c',
        `(exec -a ${mark} sleep 300) & (setsid sleep 300.${process.pid} &) ; echo started; wait`,
      ],
      timeoutMs: 1_000,
    },
  );

  expect(ran).toMatchObject({ exitCode: undefined, timedOut: true, stdout: 'started\n' });
  expect(processesWith(mark)).toBe(0);
  expect(processesWith(`sleep 300.${process.pid}`)).toBe(0);
});

test('an aborted run ends at once, with nothing left', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');
  const stop = new AbortController();
  const mark = `301.${process.pid}`;

  const started = performance.now();
  const ran = await sh(workspace, `echo started; sleep ${mark}`, {
    signal: stop.signal,
    onOutput: () => stop.abort(),
  });

  expect(ran.exitCode).toBeUndefined();
  expect(ran.timedOut).toBe(false);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(processesWith(`sleep ${mark}`)).toBe(0);
});

test.each(['bubblewrap', 'none'] as const)(
  'a worker that is killed leaves nothing running (sandbox: %s)',
  async (sandbox) => {
    const world = createWorld({ allowUnsandboxed: true });
    const workspace = await world.prepare('task');
    const mark = `302.${process.pid}`;
    const worker = spawn(
      process.execPath,
      [
        join(__dirname, 'run-program.process.ts'),
        world.dataDir,
        workspace.path,
        workspace.headCommit,
        sandbox,
        `sleep ${mark} & sleep ${mark}`,
      ],
      { stdio: 'ignore' },
    );
    while (processesWith(`sleep ${mark}`) < 2) await sleep(20);

    worker.kill('SIGKILL');
    const killed = performance.now();
    while (processesWith(`sleep ${mark}`) > 0 && performance.now() - killed < 5_000)
      await sleep(20);

    expect(processesWith(`sleep ${mark}`)).toBe(0);
    expect(performance.now() - killed).toBeLessThan(1_000);
  },
);

test('output is passed on as whole characters, and only its end is kept', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');
  let passed = 0;
  let broken = 0;
  const before = process.memoryUsage().rss;

  const ran = await sh(workspace, 'yes "äöü€🙂 line" | head -c 300000000; echo; echo end', {
    onOutput: (_source, text) => {
      passed += Buffer.byteLength(text);
      if (text.includes('\uFFFD')) broken += 1;
    },
  });

  expect(ran.exitCode).toBe(0);
  expect(passed).toBeGreaterThan(299_999_000);
  expect(broken).toBeLessThanOrEqual(1);
  expect(ran.stdout.endsWith('\nend\n')).toBe(true);
  expect(Buffer.byteLength(ran.stdout)).toBeLessThanOrEqual(65_536);
  expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
});

test('standard input is what was given, else it is closed', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');

  expect((await sh(workspace, 'cat', { input: 'given' })).stdout).toBe('given');
  expect((await sh(workspace, 'cat; echo done')).stdout).toBe('done\n');
});

test('exit codes, and programs that do not exist, are results', async () => {
  const { prepare, sh } = createWorld();
  const workspace = await prepare('task');

  expect((await sh(workspace, 'exit 7')).exitCode).toBe(7);
  expect((await sh(workspace, '', { argv: ['no-such-program'] })).exitCode).not.toBe(0);
  expect((await sh(workspace, 'kill -9 $$')).exitCode).toBe(137);
});

test('without a sandbox a program runs only where that is allowed', async () => {
  const strict = createWorld();
  const loose = createWorld({ allowUnsandboxed: true });

  await expect(
    strict.sh(await strict.prepare('task'), 'true', { sandbox: 'none' }),
  ).rejects.toEqual(anError('SANDBOX_REQUIRED'));

  const workspace = await loose.prepare('task');
  const ran = await loose.sh(workspace, 'pwd; echo $HOME; env | grep -c CANARY', {
    sandbox: 'none',
  });
  const [place, home, canaries] = ran.stdout.trim().split('\n');
  expect(place).toBe(workspace.path);
  expect(home).toBe(join(dirname(workspace.path), 'home'));
  expect(canaries).toBe('0');
  expect(existsSync(join(loose.homeDir, 'secret'))).toBe(true);
});

/** Processes of this machine whose command line holds a text. */
function processesWith(text: string): number {
  const lines = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.startsWith(text) || line === text).length;
}
