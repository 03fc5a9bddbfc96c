/** The line that installs a program on this system, for messages that say exactly what to do. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The package managers whose package names are known here. */
export type PackageManager = 'apt-get' | 'dnf' | 'apk' | 'brew' | 'pacman' | 'zypper';

/** What can be asked for. */
export type Installable = 'postgres' | 'redis' | 'git' | 'bubblewrap';

const packages: Record<PackageManager, Record<Installable, string | undefined>> = {
  'apt-get': {
    postgres: 'postgresql',
    redis: 'redis-server',
    git: 'git',
    bubblewrap: 'bubblewrap',
  },
  dnf: { postgres: 'postgresql-server', redis: 'valkey', git: 'git', bubblewrap: 'bubblewrap' },
  apk: { postgres: 'postgresql', redis: 'redis', git: 'git', bubblewrap: 'bubblewrap' },
  brew: { postgres: 'postgresql@17', redis: 'redis', git: 'git', bubblewrap: undefined },
  pacman: { postgres: 'postgresql', redis: 'valkey', git: 'git', bubblewrap: 'bubblewrap' },
  zypper: { postgres: 'postgresql-server', redis: 'redis7', git: 'git', bubblewrap: 'bubblewrap' },
};

const verbs: Record<PackageManager, string> = {
  'apt-get': 'apt-get install -y',
  dnf: 'dnf install -y',
  apk: 'apk add',
  brew: 'brew install',
  pacman: 'pacman -S --noconfirm',
  zypper: 'zypper install -y',
};

/** What decides the line: which package manager, and whether root is asking. */
export interface System {
  readonly packageManager: PackageManager | undefined;
  readonly isRoot: boolean;
}

/** Recognises this system by `/etc/os-release` and by what is on PATH. */
export function recogniseSystem(env: NodeJS.ProcessEnv): System {
  const isRoot = process.getuid?.() === 0;
  const onPath = (name: string): boolean =>
    (env['PATH'] ?? '')
      .split(':')
      .some((folder) => folder !== '' && existsSync(join(folder, name)));
  if (process.platform === 'darwin') return { packageManager: 'brew', isRoot };
  const known = (Object.keys(packages) as PackageManager[]).filter((name) => name !== 'brew');
  const family = readOsFamily();
  const byFamily: Record<string, PackageManager> = {
    debian: 'apt-get',
    ubuntu: 'apt-get',
    fedora: 'dnf',
    rhel: 'dnf',
    alpine: 'apk',
    arch: 'pacman',
    suse: 'zypper',
  };
  const named = family.map((word) => byFamily[word]).find((name) => name !== undefined);
  return { packageManager: named ?? known.find(onPath), isRoot };
}

/** The words that `/etc/os-release` gives the distribution and its relatives. */
function readOsFamily(): string[] {
  try {
    const text = readFileSync('/etc/os-release', 'utf8');
    const values = [...text.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].map(
      (match) => match[1] ?? '',
    );
    return values.join(' ').split(/\s+/);
  } catch {
    return [];
  }
}

/** The command line that installs something here, such as `sudo apt-get install -y redis-server`. */
export function installLine(what: Installable, system: System): string {
  const manager = system.packageManager;
  const name = manager === undefined ? undefined : packages[manager][what];
  if (manager === undefined || name === undefined)
    return `install ${plainNames[what]} with your package manager`;
  const asRoot = system.isRoot || manager === 'brew' ? '' : 'sudo ';
  return `${asRoot}${verbs[manager]} ${name}`;
}

const plainNames: Record<Installable, string> = {
  postgres: 'PostgreSQL',
  redis: 'Redis or Valkey',
  git: 'git',
  bubblewrap: 'bubblewrap',
};
