/** `ado doctor`: looks at this machine and says what is missing for the local platform, and the line that mends it. */
import { existsSync, mkdtempSync, rmdirSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toolHomes } from '../kubernetes/run-tool.ts';
import type { Tool } from '../kubernetes/run-tool.ts';
import { checkSandbox } from './doctor-sandbox.ts';
import { messageOf } from './error-text.ts';
import { findCache, findHome, layOut } from './home.ts';
import { installLine, recogniseSystem } from './install-lines.ts';
import type { System } from './install-lines.ts';
import { choosePort, findPortHolder, isPortFree, usualPorts } from './ports.ts';
import type { PortName } from './ports.ts';
import { findExternals } from './programs.ts';
import { findLocalPostgres } from './programs/postgres.ts';
import { findRedis } from './programs/redis.ts';
import { findOnPath, findVersion } from './programs/run-program.ts';
import { findGo } from './programs/go-build.ts';
import { findTemporalCli } from './programs/temporal.ts';
import { isSupervised } from './status.ts';
import { isAtLeast, oldest } from './versions.ts';

/** One thing that was looked at. */
export interface DoctorCheck {
  readonly name: string;
  readonly ok: boolean;
  /** What is there, in words. */
  readonly found: string;
  /** What has to be there. */
  readonly needed: string;
  /** What to do, usually a command line; empty when nothing has to be done. */
  readonly fix: string;
}

interface Examination {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly system: System;
}

/** Looks at everything the local platform needs; changes nothing: probes go at once. */
export async function runDoctor(env: NodeJS.ProcessEnv): Promise<DoctorCheck[]> {
  const examination = { env, home: findHome(env), system: recogniseSystem(env) };
  const [sandbox, ...checks] = await Promise.all([
    checkSandbox(env, examination.system),
    checkGit(examination),
    checkPostgres(examination),
    checkRedis(examination),
    checkTemporal(examination),
    checkDisk(examination),
    checkPorts(examination),
    checkKubernetesTool(examination, 'kubectl', ['version', '--client']),
    checkKubernetesTool(examination, 'helm', ['version', '--short']),
  ]);
  return [checkNode(), checkDataFolder(examination), ...checks, ...sandbox];
}

function checkNode(): DoctorCheck {
  const version = process.versions.node;
  const ok = isAtLeast(version, oldest.node);
  const fix = ok ? '' : 'npm install --global node@24 (or https://nodejs.org/en/download)';
  return { name: 'node', ok, found: version, needed: `Node.js ${oldest.node}`, fix };
}

async function checkGit({ env, system }: Examination): Promise<DoctorCheck> {
  const version = findOnPath('git', env) === undefined ? undefined : await findVersion('git', env);
  const ok = version !== undefined && isAtLeast(version, oldest.git);
  const fix = ok ? '' : installLine('git', system);
  return { name: 'git', ok, found: version ?? 'not found', needed: `git ${oldest.git}`, fix };
}

async function checkPostgres({ env, home, system }: Examination): Promise<DoctorCheck> {
  const needed = `PostgreSQL ${oldest.postgres}`;
  if (findExternals(env).postgres !== undefined)
    return elsewhere('postgres', needed, 'DATABASE_URL');
  const dataFolder = layOut(home).postgres;
  const found = await findLocalPostgres(env, dataFolder);
  if (found !== undefined) {
    return {
      name: 'postgres',
      ok: true,
      found: `${found.version} in ${dirname(found.postgres)}`,
      needed,
      fix: '',
    };
  }
  // npm may still bring one, but only a try would tell.
  const hasNpm = findOnPath('npm', env) !== undefined;
  const text = hasNpm ? 'not found; the first start will try to install it with npm' : 'not found';
  return {
    name: 'postgres',
    ok: hasNpm,
    found: text,
    needed,
    fix: installLine('postgres', system),
  };
}

async function checkRedis({ env, system }: Examination): Promise<DoctorCheck> {
  const needed = `Redis ${oldest.redis} or Valkey`;
  if (findExternals(env).redis !== undefined) return elsewhere('redis', needed, 'REDIS_URL');
  const found = await findRedis(env);
  if (found === undefined) {
    return {
      name: 'redis',
      ok: false,
      found: 'not found',
      needed,
      fix: installLine('redis', system),
    };
  }
  return { name: 'redis', ok: true, found: `${found.version} (${found.server})`, needed, fix: '' };
}

async function checkTemporal({ env }: Examination): Promise<DoctorCheck> {
  const needed = `temporal ${oldest.temporalCli}, or Go ${oldest.go} to build it`;
  if (findExternals(env).temporal !== undefined)
    return elsewhere('temporal', needed, 'TEMPORAL_ADDRESS');
  const cli = await findTemporalCli(env);
  if (cli !== undefined) {
    return {
      name: 'temporal',
      ok: true,
      found: `server ${cli.server} (${cli.file})`,
      needed,
      fix: '',
    };
  }
  const go = await findGo(env);
  const found =
    go === undefined
      ? 'not found, and no Go that could build it; the first start will try to download it'
      : `not found; the first start will download it, or build it with Go ${go.version} in about 4 minutes`;
  const install =
    process.platform === 'darwin' ? 'brew install temporal' : 'install Go from https://go.dev/dl/';
  return {
    name: 'temporal',
    ok: go !== undefined,
    found,
    needed,
    fix: go === undefined ? install : '',
  };
}

function elsewhere(name: string, needed: string, variable: string): DoctorCheck {
  return { name, ok: true, found: `runs elsewhere, as ${variable} says`, needed, fix: '' };
}

/** Only contexts on Kubernetes need it, so that it is missing is told, and is no fault. */
async function checkKubernetesTool(
  { env }: Examination,
  tool: Tool,
  args: readonly string[],
): Promise<DoctorCheck> {
  const file = findOnPath(tool, env);
  const version = file === undefined ? undefined : await findVersion(file, env, args);
  const missing = file === undefined ? 'not found' : `${file} tells no version`;
  const found = version ?? `${missing}; only contexts on Kubernetes need it: ${toolHomes[tool]}`;
  return { name: tool, ok: true, found, needed: 'nothing, but for Kubernetes', fix: '' };
}

function checkDataFolder({ home }: Examination): DoctorCheck {
  const check = { name: 'data-folder', needed: 'a folder this user may write to' };
  try {
    rmdirSync(mkdtempSync(join(nearestFolder(home), '.ado-doctor-')));
    return { ...check, ok: true, found: home, fix: '' };
  } catch (error) {
    const reason = messageOf(error);
    return {
      ...check,
      ok: false,
      found: reason,
      fix: 'export ADO_HOME=<a folder you may write to>',
    };
  }
}

/** The folder itself, or the nearest one above it that exists. */
function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}

const gibibyte = 1024 ** 3;

async function checkDisk({ env, home }: Examination): Promise<DoctorCheck> {
  // A build of Temporal leaves about 1.3 GB of sources and 2.5 GB of compiled packages in Go's caches (measured).
  const mustBuild =
    findExternals(env).temporal === undefined && (await findTemporalCli(env)) === undefined;
  const neededBytes = (mustBuild ? 6 : 1) * gibibyte;
  const folder = nearestFolder(mustBuild ? findCache(env) : home);
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const ok = freeBytes >= neededBytes;
  const found = `${(freeBytes / gibibyte).toFixed(1)} GB free at ${folder}`;
  const fix = ok
    ? ''
    : 'free some space, or set ADO_HOME and ADO_CACHE to folders on a larger disk';
  return { name: 'disk', ok, found, needed: `${neededBytes / gibibyte} GB free`, fix };
}

async function checkPorts({ home }: Examination): Promise<DoctorCheck> {
  const check = { name: 'ports', needed: 'a free port for each part' };
  if (isSupervised(home))
    return { ...check, ok: true, found: 'in use by the platform, which is running', fix: '' };
  const names = Object.keys(usualPorts) as PortName[];
  const taken = await Promise.all(names.map(async (name) => describeTaken(name)));
  const notes = taken.filter((note) => note !== undefined);
  const ok = notes.every((note) => note.instead !== undefined);
  const found =
    notes.length === 0 ? 'all usual ports are free' : notes.map((note) => note.text).join('; ');
  return { ...check, ok, found, fix: ok ? '' : 'stop a program that listens on these ports' };
}

interface TakenPort {
  readonly text: string;
  readonly instead: number | undefined;
}

async function describeTaken(name: PortName): Promise<TakenPort | undefined> {
  const usual = usualPorts[name];
  if (await isPortFree(usual)) return undefined;
  const usuals = new Set<number>(Object.values(usualPorts));
  const claim = (port: number): boolean => !usuals.has(port);
  const instead = await choosePort({ name, claim }).catch(() => undefined);
  const holder = findPortHolder(usual);
  const who = holder === undefined ? 'another program' : `${holder.program} (pid ${holder.pid})`;
  const then = instead === undefined ? 'and no other is free' : `${name} takes ${instead}`;
  return { text: `${usual} is in use by ${who}: ${then}`, instead };
}
