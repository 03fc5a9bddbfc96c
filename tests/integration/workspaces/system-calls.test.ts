/**
 * Which system calls a program in the sandbox can make: those that are asked for by name in system-calls.ts fail, and
 * common programs notice nothing.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  callNumber,
  checkedCalls,
  refusedCalls,
  unknownCalls,
} from '../../../adapters/workspaces/system-calls.ts';
import { seccompFilter } from '../../../adapters/workspaces/seccomp-filter.ts';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const [notPermitted, unknown, noSuchFamily] = [1, 38, 97];

/** Makes system calls and prints the error of each. Perl comes with git; there is no other way to any call. */
const perl = existsSync('/usr/bin/perl') ? '/usr/bin/perl' : undefined;
const program =
  'for (@ARGV) { my ($n, @a) = map { int } split /,/; $! = 0; syscall($n, @a); print 0 + $!, "\\n" }';
const filtered = seccompFilter() !== undefined && perl !== undefined ? test : test.skip;

async function errorsOf(calls: readonly (readonly number[])[]): Promise<number[]> {
  const { prepare, sh } = createWorld();
  const words = calls.map((call) => call.join(','));
  const ran = await sh(await prepare('task'), '', { argv: [perl ?? '', '-e', program, ...words] });
  return ran.stdout.trim().split('\n').map(Number);
}

filtered('every call of the list is refused (needs perl, x86-64 or arm64)', async () => {
  const numbersOf = (calls: Parameters<typeof Object.values<readonly (number | undefined)[]>>[0]) =>
    Object.values(calls).map((numbers) => numbers[architecture === 'x64' ? 0 : 1] ?? 0);
  const wanted = [
    ...numbersOf(refusedCalls).map((number) => [number, notPermitted] as const),
    ...numbersOf(unknownCalls).map((number) => [number, unknown] as const),
  ].filter(([number]) => number !== 0);

  const errors = await errorsOf(wanted.map(([number]) => [number, 0, 0, 0, 0, 0]));

  expect(errors).toEqual(wanted.map(([, error]) => error));
});

filtered(
  'namespaces, terminals and families of sockets (needs perl, x86-64 or arm64)',
  async () => {
    const [unshare, ioctl, socket, clone] = (['unshare', 'ioctl', 'socket', 'clone'] as const).map(
      (name) => callNumber(checkedCalls[name], architecture) ?? 0,
    ) as [number, number, number, number];
    const newUser = 0x10000000;
    const [alg, packet, vsock, unix, inet] = [38, 17, 40, 1, 2];

    const errors = await errorsOf([
      [unshare, newUser],
      [clone, newUser + 17],
      [ioctl, 0, 0x5412],
      [socket, alg, 5, 0],
      [socket, packet, 2, 0],
      [socket, vsock, 1, 0],
      [socket, unix, 1, 0],
      [socket, inet, 1, 0],
    ]);

    expect(errors).toEqual([
      ...[notPermitted, notPermitted, notPermitted],
      ...[noSuchFamily, noSuchFamily, noSuchFamily],
      ...[0, 0],
    ]);
  },
);

filtered('outside of the sandbox the same calls work (needs perl, x86-64 or arm64)', () => {
  const calls = [
    [callNumber(refusedCalls.ptrace, architecture), 0, 0, 0, 0],
    [callNumber(checkedCalls.socket, architecture), 38, 5, 0],
  ];

  const said = execFileSync(perl ?? '', ['-e', program, ...calls.map((call) => call.join(','))]);

  // Not the filter's answers: a kernel may be built without a family of sockets.
  expect(said.toString().split('\n')[0]).toBe('0');
});

test('the filter is on in every process, and cannot be taken off', async () => {
  const { prepare, sh } = createWorld();

  const ran = await sh(
    await prepare('task'),
    'grep -hE "^(Seccomp|NoNewPrivs):" /proc/self/status /proc/1/status',
  );

  expect(ran.stdout.replaceAll('\t', ' ').trim().split('\n')).toEqual([
    ...['NoNewPrivs: 1', 'Seccomp: 2'],
    ...['NoNewPrivs: 1', 'Seccomp: 2'],
  ]);
});

/** Programs that are tried where a machine has them: each with threads and children. */
const usual = [
  [
    'node',
    process.execPath,
    `node -e "new (require('worker_threads').Worker)('require(\\'child_process\\').execSync(\\'echo works\\', {stdio: \\'inherit\\'})', {eval: true})"`,
  ],
  ['git', '/usr/bin/git', 'git log -1 --format=works%H && git -c gc.auto=0 status --short'],
  [
    'python3',
    '/usr/bin/python3',
    `/usr/bin/python3 -c "import subprocess, threading; t = threading.Thread(target=lambda: print(subprocess.check_output(['echo', 'works'], text=True))); t.start(); t.join()"`,
  ],
  [
    'gcc',
    '/usr/bin/gcc',
    'printf "#include <stdio.h>\\nint main(void){puts(\\"works\\");}" >a.c && gcc a.c -o a && ./a',
  ],
  ['java', '/usr/bin/java', 'java -version && echo works'],
] as const;

describe.each(usual)('%s', (name, file, command) => {
  (existsSync(file) ? test : test.skip)(`works (${name} is installed)`, async () => {
    const { prepare, sh } = createWorld();

    const ran = await sh(await prepare('task'), command, { timeoutMs: 50_000 });

    expect([ran.exitCode, ran.stdout, ran.stderr]).toEqual([
      0,
      expect.stringContaining('works'),
      expect.anything(),
    ]);
  });
});
