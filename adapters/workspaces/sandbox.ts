/**
 * The sandbox as bubblewrap arguments. Everything is unshared, nothing is inherited: no network, no environment, no
 * capability, no terminal, a fresh home and /tmp; of the host's files only what is listed here.
 */
import { isSystemPath, type HostView } from './host-view.ts';

/** The home folder inside. */
const sandboxHome = '/home/agent';

/** What one sandbox shows beside the host's common part; where nothing else is said at the same paths as outside. */
export interface SandboxRequest {
  readonly readOnly: readonly string[];
  readonly writable: readonly string[];
  /** Files that may be gone meanwhile; shown read-only. */
  readonly files?: readonly string[];
  /** Files and sockets shown read-only at other paths than outside. */
  readonly mounts?: readonly { readonly source: string; readonly path: string }[];
  /** Folder of the host that is the home folder; default: an empty one that goes with the sandbox. */
  readonly home?: string | undefined;
  readonly workDir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The whole environment of a program: what it was given, and what the sandbox sets. */
export function environmentOf(
  env: Readonly<Record<string, string>>,
  places: { readonly path: string; readonly home: string; readonly tmp: string },
): Record<string, string> {
  return { LANG: 'C.UTF-8', ...env, PATH: places.path, HOME: places.home, TMPDIR: places.tmp };
}

/** Folders inside that are in memory; a home folder of the host may be there too, with what others have in it. */
export function memoryFoldersOf({ home }: SandboxRequest): string[] {
  return ['/tmp', '/dev/shm', ...(home === undefined ? [sandboxHome] : [])];
}

/** The options of `bwrap`, one per element. The order matters: a later mount covers an earlier one. */
export function sandboxOptions(host: HostView, request: SandboxRequest): string[] {
  const { readOnly, writable, files = [], mounts = [], home, workDir } = request;
  const env = environmentOf(request.env, { path: host.path, home: sandboxHome, tmp: '/tmp' });
  return [
    ...['--unshare-all', '--die-with-parent', '--new-session', '--clearenv', '--cap-drop', 'ALL'],
    // Inside nobody, outside the worker's user: what is written belongs to the worker.
    ...['--uid', '65534', '--gid', '65534', '--hostname', 'ado'],
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...(home === undefined ? ['--tmpfs', sandboxHome] : ['--bind', home, sandboxHome]),
    ...['--dir', '/run', '--dir', '/var', '--symlink', '../tmp', '/var/tmp'],
    ...host.procReadOnly.flatMap((path) => ['--ro-bind', path, path]),
    ...host.procHidden.folders.flatMap((path) => ['--tmpfs', path, '--remount-ro', path]),
    ...host.procHidden.files.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...host.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...host.readOnly.flatMap(({ source, path }) => ['--ro-bind', source, path]),
    ...readOnly.flatMap((path) => ['--ro-bind', path, path]),
    ...writable.flatMap((path) => ['--bind', path, path]),
    ...files.filter((path) => !isSystemPath(path)).flatMap((path) => ['--ro-bind-try', path, path]),
    ...mounts.flatMap(({ source, path }) => ['--ro-bind', source, path]),
    // Last, as mount points cannot be made in it any more: the root and the folders that lead to the mounts.
    ...['--remount-ro', '/', '--chdir', workDir],
    ...Object.entries(env).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}
