/** Asks whether the sandbox works on this machine, by trying to get out of it. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { SandboxLimits } from '../../config/sandbox-limits.ts';
import { AppError } from '../../contracts/errors.ts';
import { isWithin, viewHost, type HostView } from './host-view.ts';
import { createLauncher } from './launcher.ts';
import { launchInSandbox } from './run-sandboxed.ts';

const probeTimeoutMs = 10_000;

/** Each line tries an escape and names it when it works. A file made beside the work tree is looked for from outside. */
const probe = `
printf '%s\\n' "$PROBE_HIDDEN" | while read -r path; do [ ! -e "$path" ] || echo "$path can be read"; done
(: >"$PROBE_SECRET.new") 2>/dev/null || true
! (: >>/proc/sys/kernel/core_pattern) 2>/dev/null || echo "settings of the kernel can be changed"
! (: >/usr/ado-probe) 2>/dev/null || echo "system folders can be written to"
[ "$(tail -n +3 /proc/net/dev | grep -vc '^ *lo:')" -eq 0 ] || echo "there is a network"
[ "$PROBE_FILTER" = none ] || grep -q '^Seccomp:[^0-9]*2$' /proc/self/status || echo "system calls are not filtered"
[ "$(ulimit -f)" != unlimited ] || echo "the size of files has no limit"
[ "$(ls -d /proc/[0-9]* | wc -l)" -le 12 ] || echo "processes of the host can be seen"
: >written || echo "the work tree cannot be written to"
echo sealed
`;

/**
 * Runs a probe in a sandbox; resolves when it found no way out.
 * @throws SANDBOX_LEAKS with what got out · SANDBOX_UNAVAILABLE when it cannot be made
 */
export async function checkSandbox(options: {
  readonly dataDir: string;
  readonly toolPath: string;
  readonly homeDir: string;
  readonly limits?: SandboxLimits;
}): Promise<void> {
  await mkdir(options.dataDir, { recursive: true });
  const folder = await mkdtemp(join(options.dataDir, 'probe-'));
  const launcher = createLauncher();
  try {
    const tree = join(folder, 'tree');
    const secret = join(folder, randomBytes(8).toString('hex'));
    await mkdir(tree);
    await writeFile(secret, 'secret');
    const output: Uint8Array[] = [];
    const host = await viewHost(options);
    const hidden = await hiddenInHome(host, options);
    const exit = await launchInSandbox(launcher, host, {
      argv: ['sh', '-c', probe],
      request: {
        readOnly: [],
        writable: [tree],
        workDir: tree,
        env: {
          PROBE_SECRET: secret,
          PROBE_HIDDEN: [secret, ...hidden].join('\n'),
          PROBE_FILTER: host.systemCalls === undefined ? 'none' : 'on',
        },
      },
      timeoutMs: probeTimeoutMs,
      onOutput: (_stream, bytes) => output.push(bytes),
    });
    const said = Buffer.concat(output).toString().trim();
    const escaped = (await readdir(folder)).includes(`${basename(secret)}.new`);
    if (escaped) throw leak('files can be made outside the work tree');
    if (exit.timedOut) {
      throw new AppError('SANDBOX_UNAVAILABLE', 'A probe of the sandbox did not end in time.');
    }
    if (said !== 'sealed') throw leak(said.replace(/\nsealed$/, '').replaceAll('\n', '; '));
  } finally {
    launcher.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function leak(what: string): AppError {
  return new AppError('SANDBOX_LEAKS', `The sandbox on this machine is not tight: ${what}`);
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
