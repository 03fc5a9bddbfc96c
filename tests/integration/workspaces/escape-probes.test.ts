/**
 * Attempts to get out of the sandbox, one after another, each a program that a hostile agent could run. Beside the table
 * of sandbox.test.ts (what is out of reach) and that of system-calls.test.ts (every call by its number).
 *
 * A probe exits with 0 when it got out, or has changed the host. Those marked `open` must do so without the sandbox, where they are tried first: a
 * probe that fails everywhere proves nothing. `root` ones are tried there when the tests run as root. The rest would harm
 * the machine, or differ from machine to machine.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Workspace } from '../../../adapters/ports.ts';
import { callNumber, refusedCalls } from '../../../adapters/workspaces/system-calls.ts';
import { createWorld, endWorlds, type World } from './world.ts';

/** Where a probe must succeed to be worth anything. */
type Control = 'open' | 'root' | 'none';

const ptrace = callNumber(refusedCalls.ptrace, process.arch === 'arm64' ? 'arm64' : 'x64') ?? 0;
const connectTo = (place: string): string =>
  `node -e 'require("net").connect(${place}).on("connect", () => process.exit(0)).on("error", () => process.exit(1))'`;
/** A terminal of its own as the controlling one, then a character that is typed into it. */
const typeIntoTerminal = `perl -MPOSIX=setsid -e 'fork and do { wait; exit($? != 0) }; setsid(); $SIG{HUP} = "IGNORE";
  open(my $m, "+<", "/dev/ptmx") or exit 1; my $n = pack("i", 0);
  ioctl($m, 0x40045431, $n) or exit 1; ioctl($m, 0x80045430, $n) or exit 1;
  open(my $s, "+<", "/dev/pts/" . unpack("i", $n)) or exit 1; exit(ioctl($s, 0x5412, my $x = "x") ? 0 : 1)'`;

const probes: readonly (readonly [name: string, control: Control, command: string])[] = [
  // Files of others.
  ['keys in the home folder', 'open', 'cat "$HOME_DIR/.ssh/id_ed25519"'],
  ['keys of root', 'none', 'ls -A ~root/.ssh || (cd /root && (ls -A .ssh || cat .bash_history))'],
  ['the source repository', 'open', 'cat "$REPOSITORY/README.md"'],
  ['files of another worktree', 'open', 'cat "$OTHER/README.md"'],
  ['what other tasks there are', 'open', 'ls "$DATA_DIR/worktrees/"*/*/state.json'],
  ['refs of other tasks', 'open', 'ls "$MIRROR/refs"'],
  ['the configuration of the worker', 'open', 'cat "$DATA_DIR/git/config"'],
  ['up from the worktree', 'open', 'cat "$TREE/../../../../../home""/secret"'],
  ['up from the current folder', 'open', 'cat ../../../../../home""/secret'],
  ['a search for a name', 'open', 'find /tmp /home -name id_ed25519 -path "$HOME_DIR/*" | grep .'],
  ['shared memory of the host', 'open', 'cat "/dev/shm/$MARK"'],
  ['passwords of groups', 'root', 'cat /etc/gshadow'],
  ['keys of the host', 'none', 'cat /etc/ssh/*_key'],
  ['control groups', 'open', 'ls /sys/fs/cgroup/*'],
  [
    'devices of the machine',
    'none',
    'ls /dev | grep -E "^(sd|vd|nvme|mem$|kmsg|fuse|loop|kvm|net)"',
  ],
  ['the log of the kernel', 'none', 'dmesg || head -c 1 /dev/kmsg'],
  // Links.
  ['reading through two links', 'open', 'ln -sfn "$HOME_DIR" l3; ln -sf l3/secret l4; cat l4'],
  ['a link in place of the worktree', 'none', 'mv "$TREE" "$TREE.x" && ln -s / "$TREE"'],
  ['a hard link to an object', 'open', 'ln "$OBJECT" hard'],
  ['a hard link to a system file', 'none', 'ln /usr/bin/env hard2 || ln /etc/passwd hard3'],
  // Descriptors and /proc.
  ['the secret by way of its own root', 'open', 'cat "/proc/self/root$HOME_DIR/secret"'],
  ['the secret by way of its folder', 'open', 'cat /proc/self/cwd/../../../../../home""/secret'],
  [
    'the secret by way of a folder it holds',
    'open',
    'exec 9< . && cat /proc/self/fd/9/../../../../../home""/secret',
  ],
  [
    'folders among its descriptors',
    'none',
    'for fd in /proc/1/fd/* /proc/self/fd/*; do [ -d "$fd" ] && cat "$fd/../secret" && exit 0; done; exit 1',
  ],
  ['the program of the first process', 'none', ': >> /proc/1/exe'],
  ['its own program', 'none', ': >> /proc/self/exe'],
  ['the memory of the first process', 'none', 'dd if=/dev/zero of=/proc/1/mem bs=1 count=1'],
  // Processes of the host.
  [
    'the environment of another process',
    'open',
    'tr "\\0" "\\n" < "/proc/$VICTIM/environ" | grep SECRET',
  ],
  ['the words of another process', 'open', 'cat "/proc/$VICTIM/cmdline"'],
  ['the memory map of another process', 'open', 'cat "/proc/$VICTIM/maps"'],
  ['an open file of another process', 'open', 'cat "/proc/$VICTIM/fd/3"'],
  ['the folder of another process', 'open', 'cat "/proc/$VICTIM/cwd/secret"'],
  ['the root of another process', 'open', 'cat "/proc/$VICTIM/root$HOME_DIR/secret"'],
  ['a signal to a process of the host', 'open', 'kill -0 "$VICTIM"'],
  ['a signal to all', 'none', 'kill -9 "$VICTIM"; kill -9 -1; exit 1'],
  ['limits of a process of the host', 'open', 'prlimit --pid "$VICTIM" --nofile'],
  [
    'tracing a process of the host',
    'root',
    `perl -e 'exit(syscall(${ptrace}, 0x4206, $ENV{VICTIM} + 0, 0, 0) == -1)'`,
  ],
  [
    'tracing its own child',
    'none',
    `perl -e 'my $pid = fork; sleep 5 unless $pid; exit(syscall(${ptrace}, 0x4206, $pid, 0, 0) == -1)'`,
  ],
  ['namespaces of another process', 'root', 'nsenter --target "$VICTIM" --mount true'],
  // Rights.
  ['capabilities', 'root', 'grep CapEff /proc/self/status | grep -v 0000000000000000'],
  ['capabilities to be had', 'root', 'grep CapBnd /proc/self/status | grep -v 0000000000000000'],
  ['becoming root', 'root', `perl -e '$< = 0; $> = 0; exit($> != 0)'`],
  ['a set-user-id program of its own', 'root', 'cp /bin/sh s; chmod 6755 s; ./s -p -c "chown 1 s"'],
  [
    'a set-user-id program of the host',
    'none',
    'sudo -n true || su -c true root || newgrp root </dev/null',
  ],
  ['a file that belongs to another', 'root', 'touch mine && chown 12345 mine'],
  ['a device', 'root', 'mknod device c 1 5'],
  ['a user namespace', 'root', 'unshare --user --map-root-user true'],
  ['a mount namespace', 'root', 'unshare --mount true'],
  ['another root', 'root', 'chroot / true'],
  ['a mount of the root', 'none', 'mount -o remount,rw / || mount --bind "$TREE" /mnt'],
  ['the cover off /proc', 'none', 'umount /proc/sys || umount /proc/kcore || umount /proc'],
  ['a higher priority', 'root', 'nice -n -5 true 2>&1 | grep -c . | grep -x 0'],
  ['the name of the host', 'open', '[ "$(hostname)" = "$HOST" ]'],
  ['typing into a terminal (TIOCSTI)', 'root', typeIntoTerminal],
  // Sockets.
  ['a socket like that of docker', 'open', connectTo('process.env.SOCKET')],
  ['an abstract socket', 'open', connectTo('"\\0" + process.env.MARK')],
  ['a port of the host', 'open', connectTo('Number(process.env.PORT), "127.0.0.1"')],
  ['who listens on sockets', 'open', 'grep "$SOCKET" /proc/net/unix'],
  ['a raw socket', 'root', `perl -e 'socket(S, 2, 3, 1) or exit 1'`],
  ['a raw socket of version 6', 'root', `perl -e 'socket(S, 10, 3, 58) or exit 1'`],
  ['all packets', 'root', `perl -e 'socket(S, 17, 3, 0x300) or exit 1'`],
];

/** Probes that write: what counts is the host afterwards, as folders that lead to a mount may be in memory inside. */
const writes: typeof probes = [
  ['a file in the home folder', 'open', 'echo x > "$HOME_DIR/planted"'],
  ['a file over one of the user', 'none', 'echo x > "$HOME_DIR/secret"'],
  ['a file in another worktree', 'open', 'echo x > "$OTHER/planted"'],
  ['a file beside the worktree', 'open', 'echo x > "$TREE/../planted"'],
  ['the state of its worktree', 'none', 'echo x > "$TREE/../state.json"'],
  ['a file in the data folder', 'open', 'echo x > "$DATA_DIR/planted"'],
  ['a file in the mirror', 'open', 'mkdir -p "$MIRROR/hooks" && echo x > "$MIRROR/hooks/update"'],
  ['the bytes of an object', 'none', 'chmod u+w "$OBJECT" && echo x >> "$OBJECT"'],
  ['the mode of an object', 'none', 'chmod 777 "$OBJECT"'],
  ['the name of an object', 'none', 'mv "$OBJECT" "$OBJECT.x" || rm -f "$OBJECT"'],
  ['/etc', 'none', 'echo x > /etc/planted || echo x >> /etc/passwd'],
  ['/run, /var and /home', 'none', 'echo x > /run/x || echo x > /var/x || echo x > /home/you'],
  ['a program on PATH', 'none', 'echo x >> "$(command -v node)" || echo x >> "$(command -v git)"'],
  ['a setting of the memory', 'none', ': >> /proc/sys/vm/drop_caches'],
  ['writing through a link', 'open', 'ln -sf "$HOME_DIR/planted" l1 && echo x > l1'],
  ['writing through a linked folder', 'open', 'ln -sfn "$HOME_DIR" l2 && echo x > l2/planted'],
];

const mark = `ado-probe-${process.pid}`;
let world: World;
let workspace: Workspace;
let victim: ChildProcess;
let env: Record<string, string>;
let connections = 0;
const closed: { close(): unknown }[] = [];

beforeAll(async () => {
  world = createWorld({ allowUnsandboxed: true });
  const { homeDir, outside, dataDir, repository } = world;
  const other = await world.prepare('other');
  workspace = await world.prepare('task');
  mkdirSync(join(homeDir, '.ssh'));
  writeFileSync(join(homeDir, '.ssh', 'id_ed25519'), 'SECRET');
  writeFileSync(`/dev/shm/${mark}`, 'SECRET');
  // What the first run makes in the data folder is there from now on.
  await world.sh(workspace, 'true');
  // A process of the host with a secret in its environment, among its open files and in its folder.
  const file = openSync(join(homeDir, 'secret'), 'r');
  victim = spawn('sleep', ['600'], {
    cwd: homeDir,
    env: { PATH: process.env['PATH'], KEY: 'SECRET' },
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  closeSync(file);
  const socket = join(outside, 'docker.sock');
  const port = await listen(0);
  await listen(socket);
  await listen(`\0${mark}`);
  const mirror = join(dataDir, 'mirrors', readdirSync(join(dataDir, 'mirrors'))[0] ?? '');
  const objects = readdirSync(join(mirror, 'objects'), { recursive: true, withFileTypes: true });
  const object = objects.find((entry) => entry.isFile());
  env = {
    ...{ HOME_DIR: homeDir, DATA_DIR: dataDir, REPOSITORY: repository, MIRROR: mirror },
    ...{ OTHER: other.path, TREE: workspace.path, MARK: mark, SOCKET: socket, HOST: hostname() },
    ...{ OBJECT: join(object?.parentPath ?? '', object?.name ?? '') },
    ...{ VICTIM: String(victim.pid), PORT: String(port) },
  };
});

afterAll(() => {
  victim.kill('SIGKILL');
  for (const server of closed) server.close();
  rmSync(`/dev/shm/${mark}`, { force: true });
  endWorlds();
});

/** Listens where nobody from the sandbox may come. */
async function listen(place: string | number): Promise<number> {
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  closed.push(server);
  await new Promise<void>((resolve) => {
    if (typeof place === 'number') server.listen(place, '127.0.0.1', resolve);
    else server.listen(place, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What a probe can have changed outside. */
function hostState(): object {
  const { homeDir, dataDir, outside } = world;
  return {
    ...{ home: readdirSync(homeDir), data: readdirSync(dataDir), outside: readdirSync(outside) },
    slot: readdirSync(join(workspace.path, '..')),
    other: readdirSync(env['OTHER'] ?? ''),
    mirror: readdirSync(env['MIRROR'] ?? '', { recursive: true }).sort(),
    object: readFileSync(env['OBJECT'] ?? '').toString('hex'),
    state: readFileSync(join(workspace.path, '..', 'state.json'), 'utf8'),
    secret: readFileSync(join(homeDir, 'secret'), 'utf8'),
    victim: [victim.exitCode, victim.signalCode],
    connections,
  };
}

test('the probes are many, and different ones', () => {
  const commands = [...probes, ...writes].map(([, , command]) => command);
  expect(new Set(commands).size).toBe(commands.length);
  expect(commands.length).toBeGreaterThanOrEqual(60);
});

const run = (command: string, sandbox: 'bubblewrap' | 'none') =>
  world.sh(workspace, `{ ${command}; } 2>&1`, { env, sandbox });

const isRoot = process.getuid?.() === 0;
const openOnes = (table: typeof probes) =>
  table.filter(([, control]) => control === 'open' || (control === 'root' && isRoot));

describe('nothing gets out of the sandbox', () => {
  test.each(probes)('%s', async (_name, _control, command) => {
    const before = hostState();

    const ran = await run(command, 'bubblewrap');

    expect([ran.exitCode, ran.stdout]).not.toEqual([0, expect.anything()]);
    expect(ran.stdout).not.toContain('SECRET');
    expect(hostState()).toEqual(before);
  });

  test.each(writes)('%s', async (_name, _control, command) => {
    const before = hostState();

    await run(command, 'bubblewrap');

    expect(hostState()).toEqual(before);
  });
});

describe('without the sandbox the same probe gets out', () => {
  test.each(openOnes(probes))('%s', async (_name, _control, command) => {
    const ran = await run(command, 'none');

    expect([ran.exitCode, ran.stdout]).toEqual([0, expect.anything()]);
  });

  test.each(openOnes(writes))('%s', async (_name, _control, command) => {
    const before = hostState();

    await run(command, 'none');
    const after = hostState();
    for (const folder of [world.homeDir, env['OTHER'] ?? '', world.dataDir]) {
      rmSync(join(folder, 'planted'), { force: true });
    }

    expect(after).not.toEqual(before);
  });
});
