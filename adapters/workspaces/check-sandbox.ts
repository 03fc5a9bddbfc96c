/** Asks whether the sandbox works on this machine, by trying to get out of it and above its bounds. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SandboxLimits } from '../../config/sandbox-limits.ts';
import { AppError } from '../../contracts/errors.ts';
import type { EgressSettings } from '../egress/egress-proxy.ts';
import { isWithin, viewHost, type HostView } from './host-view.ts';
import { createLauncher } from './launcher.ts';
import { findBubblewrapVersion } from './run-sandboxed.ts';
import { probeBounds, probeNetwork, runProbe, type Probing } from './sandbox-probes.ts';

/** What a sandbox that holds is made of on this machine. */
export interface SandboxReport {
  readonly bubblewrap: string;
  readonly filtersSystemCalls: boolean;
  readonly limits: SandboxLimits;
  /** What is held less well than elsewhere, in words for a person. */
  readonly weaknesses: readonly string[];
}

/** Each line tries an escape and names it when it works. A file made beside the work tree is looked for from outside.
 * Without a sandbox the variables are not there, and nothing is written. */
const probe = `
printf '%s\\n' "$PROBE_HIDDEN" | while read -r path; do [ ! -e "$path" ] || echo "$path can be read"; done
(: >"\${PROBE_SECRET:?}.new") 2>/dev/null || true
! (: >>/proc/sys/kernel/core_pattern) 2>/dev/null || echo "settings of the kernel can be changed"
! (: >/usr/ado-probe) 2>/dev/null || echo "system folders can be written to"
[ "$PROBE_FILTER" = none ] || grep -q '^Seccomp:[^0-9]*2$' /proc/self/status || echo "system calls are not filtered"
[ "$(ulimit -t)" != unlimited ] || echo "processor time has no limit"
[ "$(ls -d /proc/[0-9]* | wc -l)" -le 12 ] || echo "processes of the host can be seen"
(: >"\${PROBE_TREE:?}/written") 2>/dev/null || echo "the work tree cannot be written to"
echo sealed
`;

/**
 * Runs probes in sandboxes; answers what holds when none found a way out.
 * @throws SANDBOX_LEAKS with what got out · SANDBOX_UNAVAILABLE when it cannot be made
 */
export async function checkSandbox(options: {
  readonly dataDir: string;
  readonly toolPath: string;
  readonly homeDir: string;
  readonly limits?: SandboxLimits;
  /** How programs reach allowed hosts. Default: as a worker has it. */
  readonly egress?: Partial<EgressSettings>;
}): Promise<SandboxReport> {
  await mkdir(options.dataDir, { recursive: true });
  const folder = await mkdtemp(join(options.dataDir, 'probe-'));
  const launcher = createLauncher();
  try {
    const tree = join(folder, 'tree');
    await mkdir(tree);
    const host = await viewHost(options);
    const probing = { launcher, host, tree };
    const inView = await probeView(probing, folder, await hiddenInHome(host, options));
    // Who gets out by the files is told so at once; the other probes take that much to be held.
    if (inView.length > 0) throw leak(inView);
    const [version, ...found] = await Promise.all([
      findBubblewrapVersion(launcher, host),
      probeNetwork(probing, options.egress),
      probeBounds(probing),
    ]);
    if (found.flat().length > 0) throw leak(found.flat());
    return {
      bubblewrap: version,
      filtersSystemCalls: host.systemCalls !== undefined,
      limits: host.limits,
      weaknesses: weaknessesOf(host),
    };
  } finally {
    launcher.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function leak(found: readonly string[]): AppError {
  return new AppError(
    'SANDBOX_LEAKS',
    `The sandbox on this machine is not tight: ${found.join('; ')}`,
  );
}

async function probeView(
  probing: Probing,
  folder: string,
  hidden: readonly string[],
): Promise<readonly string[]> {
  const secret = join(folder, randomBytes(8).toString('hex'));
  await writeFile(secret, 'secret');
  const { said } = await runProbe(probing, {
    argv: ['sh', '-c', probe],
    env: {
      PROBE_TREE: probing.tree,
      PROBE_SECRET: secret,
      PROBE_HIDDEN: [secret, ...hidden].join('\n'),
      PROBE_FILTER: probing.host.systemCalls === undefined ? 'none' : 'on',
    },
  });
  const escaped = (await readdir(folder)).includes(`${basename(secret)}.new`);
  const outside = escaped ? ['files can be made outside the work tree'] : [];
  if (said === 'sealed') return outside;
  return [...outside, ...said.split('\n').filter((line) => line !== 'sealed')];
}

function weaknessesOf({ systemCalls }: HostView): string[] {
  return [
    ...(systemCalls === undefined ? [`no filter of system calls for ${process.arch}`] : []),
    // Only the launcher does, a few times a second.
    ...(process.getuid?.() === 0 ? ['the kernel does not count processes, as this is root'] : []),
  ];
}

/** Some of what the home folder holds beside toolchains that are shown and the folders that lead there. */
async function hiddenInHome(
  host: HostView,
  { homeDir, dataDir }: { readonly homeDir: string; readonly dataDir: string },
): Promise<string[]> {
  const shown = [dataDir, ...host.readOnly.map(({ path }) => path)];
  const paths = (await readdir(homeDir).catch(() => [])).map((name) => join(homeDir, name));
  return paths
    .filter((path) => !shown.some((other) => isWithin(path, other) || isWithin(other, path)))
    .slice(0, 50);
}
