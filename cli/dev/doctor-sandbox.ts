/** What `ado doctor` says of the sandbox: it has a worker's own check tried, as having bubblewrap is not enough. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { errorKinds } from '../../contracts/errors.ts';
import { nodeFlags, programPath } from './checkout.ts';
import type { DoctorCheck } from './doctor.ts';
import { installLine, type System } from './install-lines.ts';
import { findOnPath, runProgram } from './programs/run-program.ts';

/** What worker/try-sandbox.ts prints. */
const triedSchema = z.union([
  z.object({
    bubblewrap: z.string(),
    filtersSystemCalls: z.boolean(),
    limits: z.object({
      memoryBytes: z.number(),
      processes: z.number(),
      fileBytes: z.number(),
      cpuSeconds: z.number(),
      openFiles: z.number(),
    }),
    weaknesses: z.array(z.string()),
  }),
  z.object({
    error: z.object({
      code: z.enum(['SANDBOX_LEAKS', 'SANDBOX_UNAVAILABLE']),
      message: z.string(),
    }),
  }),
]);
type Tried = z.infer<typeof triedSchema>;

/** Longer than all probes together may take. */
const timeoutMs = 150_000;

/** The sandbox, and when it holds the bounds in it. */
export async function checkSandbox(
  env: NodeJS.ProcessEnv,
  system: System,
): Promise<readonly DoctorCheck[]> {
  const check = { name: 'sandbox', needed: 'bubblewrap that no probe gets out of' };
  const fail = (found: string, fix: string): DoctorCheck[] => [{ ...check, ok: false, found, fix }];
  if (findOnPath('bwrap', env) === undefined)
    return fail('bwrap not found', installLine('bubblewrap', system));

  const program = [...nodeFlags(), programPath('worker/try-sandbox')];
  const { stdout, stderr } = await runProgram(process.execPath, program, { env, timeoutMs });
  const tried = readTried(stdout);
  if (tried === undefined) {
    const last = stderr.trim().split('\n').slice(-3).join(' ');
    return fail(`it could not be tried: ${last}`, 'mend what is said, then run `ado doctor` again');
  }
  if ('error' in tried) {
    const { code, message } = tried.error;
    return fail(message, code === 'SANDBOX_LEAKS' ? errorKinds[code].remedy : sandboxFix(system));
  }
  const calls = tried.filtersSystemCalls
    ? 'system calls are filtered'
    : 'no filter of system calls';
  const found = `bubblewrap ${tried.bubblewrap}; no probe got out; ${calls}`;
  return [
    { ...check, ok: true, found, fix: '' },
    {
      ...{ name: 'sandbox-bounds', ok: true, fix: '' },
      needed: 'bounds that a program cannot go above',
      found: [boundsOf(tried.limits), ...tried.weaknesses].join('; '),
    },
  ];
}

function readTried(text: string): Tried | undefined {
  try {
    return triedSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function boundsOf(limits: Extract<Tried, { limits: unknown }>['limits']): string {
  const inMebibytes = (bytes: number): string => `${Math.floor(bytes / 1_048_576)} MiB`;
  return [
    `${inMebibytes(limits.memoryBytes)} of memory`,
    `${limits.processes} processes`,
    `files of ${inMebibytes(limits.fileBytes)}`,
    `${limits.cpuSeconds} s of processor time and ${limits.openFiles} open files a process`,
  ].join(', ');
}

/** The switches that close user namespaces, as kernels and distributions have them; the first that is set is named. */
function sandboxFix({ isRoot }: System): string {
  const sudo = isRoot ? '' : 'sudo ';
  const switches = [
    // Ubuntu from 23.10: AppArmor lets only programs with a profile make them.
    { name: 'kernel.apparmor_restrict_unprivileged_userns', closed: '1', open: '0' },
    // Debian and Arch with hardened kernels.
    { name: 'kernel.unprivileged_userns_clone', closed: '0', open: '1' },
    { name: 'user.max_user_namespaces', closed: '0', open: '15000' },
  ];
  const closed = switches.find(({ name, closed }) => readSysctl(name) === closed);
  if (closed === undefined)
    return 'allow user namespaces to this container or user, or run tasks with --sandbox none';
  const setting = `${closed.name}=${closed.open}`;
  return `${sudo}sysctl -w ${setting} (to keep it: echo ${setting} | ${sudo}tee /etc/sysctl.d/60-ado.conf)`;
}

function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
