/** What a sandbox shows of the host: its system folders, the harmless part of /etc, and the toolchains on PATH. */
import { access, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { defaultSandboxLimits, type SandboxLimits } from '../../config/sandbox-limits.ts';
import { makeSandboxEtc } from './sandbox-etc.ts';
import { seccompFilter } from './seccomp-filter.ts';

/** What every sandbox of this host has in common. */
export interface HostView {
  /** Links like `/bin → usr/bin`, made anew inside. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Parts of /proc that change or tell about the whole machine: the first read-only, the second not there. */
  readonly procReadOnly: readonly string[];
  readonly procHidden: { readonly files: readonly string[]; readonly folders: readonly string[] };
  /** Paths shown read-only: where they are outside, and where inside. */
  readonly readOnly: readonly { readonly source: string; readonly path: string }[];
  readonly path: string;
  /** The filter of system calls; undefined on processors that there is none for. */
  readonly systemCalls: Uint8Array | undefined;
  readonly limits: SandboxLimits;
}

const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/**
 * What container runtimes close in /proc. It matters where the worker is root: the kernel asks for the user only, who is
 * root outside of the sandbox's user namespace, and `/proc/sys/kernel/core_pattern` names a program to run on the host.
 */
const procReadOnly = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];
const procHiddenFolders = ['acpi', 'scsi', 'driver'];
const procHiddenFiles = [
  'kcore',
  'keys',
  'key-users',
  'kmsg',
  'latency_stats',
  'mtrr',
  'sched_debug',
  'timer_list',
];

/** Answers whether a path is inside a folder, or the folder itself. */
export function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}

/** Answers whether a path lies in a folder that every sandbox has from the host, or of its own. */
export function isSystemPath(path: string): boolean {
  return [...systemFolders, '/etc'].some((folder) => isWithin(folder, path));
}

/** Looks at the host. The folder for /etc is made in the data folder. */
export async function viewHost(options: {
  readonly dataDir: string;
  readonly toolPath: string;
  readonly homeDir: string;
  readonly limits?: SandboxLimits;
}): Promise<HostView> {
  const links: { path: string; target: string }[] = [];
  const readOnly: { source: string; path: string }[] = [];
  for (const path of systemFolders) {
    const target = await readlink(path).catch(() => undefined);
    if (target !== undefined) links.push({ path, target });
    else if (await exists(path)) readOnly.push({ source: path, path });
  }

  readOnly.push({ source: makeSandboxEtc(options.dataDir), path: '/etc' });

  const entries = options.toolPath.split(':').filter((entry) => isAbsolute(entry));
  for (const entry of new Set(entries)) {
    if (isSystemPath(entry) || !(await exists(entry))) continue;
    const shown = await toolchainOf(entry, options);
    if (!readOnly.some(({ path }) => isWithin(path, shown)))
      readOnly.push({ source: await realpath(shown), path: shown });
  }
  const inProc = async (names: readonly string[]): Promise<string[]> => {
    const paths = names.map((name) => join('/proc', name));
    const found = await Promise.all(paths.map(exists));
    return paths.filter((_path, place) => found[place]);
  };
  return {
    links,
    readOnly,
    procReadOnly: await inProc(procReadOnly),
    procHidden: { files: await inProc(procHiddenFiles), folders: await inProc(procHiddenFolders) },
    path: entries.join(':'),
    systemCalls: seccompFilter(),
    limits: options.limits ?? defaultSandboxLimits,
  };
}

/**
 * The folder to show for an entry of PATH: for `<prefix>/bin` the prefix, when it looks like a toolchain (it has a
 * `lib`), else just the entry. Never the home folder or what it is in, nor a hidden folder directly in it (`~/.local`,
 * `~/.cargo`: credentials and other people's data live there), nor what holds ado's own data.
 */
async function toolchainOf(
  entry: string,
  { homeDir, dataDir }: { homeDir: string; dataDir: string },
): Promise<string> {
  const prefix = dirname(entry);
  const isPrivate =
    isWithin(prefix, homeDir) ||
    isWithin(prefix, dataDir) ||
    (dirname(prefix) === homeDir && basename(prefix).startsWith('.'));
  if (basename(entry) !== 'bin' || isPrivate || !(await exists(join(prefix, 'lib')))) return entry;
  return prefix;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
