/**
 * The vendors' coding agents as programs: which package each comes in, which version ado is tested with, and where it is
 * found on a machine. Workers and the command line look in the same places in the same order: ado's own folder, then PATH.
 * Finding starts no process and asks no network.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { ProgramAgentKind } from '../contracts/task.schema.ts';

/** Agents that ado can install; one that speaks the Agent Client Protocol is named by the task instead. */
export type InstallableAgent = Exclude<ProgramAgentKind, 'acp'>;

/** Where a vendor's agent comes from. */
export interface AgentPackage {
  readonly package: string;
  /** The version that `ado agents install` takes, and that the tests run. */
  readonly version: string;
  /** Its command on PATH. */
  readonly command: string;
  /** The provider whose models it works with. */
  readonly provider: 'anthropic' | 'openai' | 'google';
  /** The package that holds the program itself, where that is one for each kind of machine: `{machine}` is `linux-x64`. */
  readonly native?: { readonly package: string; readonly file: string };
  /** Room that it takes when installed. Measured on Linux, x64. */
  readonly sizeMb: number;
}

/** The packages by agent. */
export const agentPackages: Readonly<Record<InstallableAgent, AgentPackage>> = {
  'claude-code': {
    package: '@anthropic-ai/claude-code',
    version: '2.1.330',
    command: 'claude',
    provider: 'anthropic',
    native: { package: '@anthropic-ai/claude-code-{machine}', file: 'claude' },
    sizeMb: 364,
  },
  codex: {
    package: '@openai/codex',
    version: '0.169.0',
    command: 'codex',
    provider: 'openai',
    sizeMb: 404,
  },
  gemini: {
    package: '@google/gemini-cli',
    version: '0.61.0',
    command: 'gemini',
    provider: 'google',
    sizeMb: 100,
  },
};

/** The agents of `agentPackages`. */
export const installableAgents = Object.keys(agentPackages) as readonly InstallableAgent[];

/** A program that was found. */
export interface AgentProgram {
  readonly version: string;
  /** Program and first arguments, by absolute paths. */
  readonly argv: readonly string[];
  /** Folders and files that it needs beside the system and the toolchains. */
  readonly readable: readonly string[];
  /** Where it is, for people. */
  readonly place: string;
}

/** Where programs are looked for. */
export interface AgentPlaces {
  /** ado's own folder; an agent lies in a folder of its name. */
  readonly agentsDir: string;
  /** PATH of the programs that agents run. */
  readonly toolPath: string;
}

/** The folder of installed agents: `ADO_AGENTS_DIR`, else `agents` in ado's cache folder. Always absolute. */
export function findAgentsDir(env: Readonly<Record<string, string | undefined>>): string {
  const find = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const cache = (): string =>
    find('ADO_CACHE') ??
    join(find('XDG_CACHE_HOME') ?? join(find('HOME') ?? homedir(), '.cache'), 'ado');
  return resolve(find('ADO_AGENTS_DIR') ?? join(cache(), 'agents'));
}

/** Finds the program of an agent; undefined when it is not there. */
export function findAgentProgram(
  agent: InstallableAgent,
  { agentsDir, toolPath }: AgentPlaces,
): AgentProgram | undefined {
  const own = join(agentsDir, agent);
  const { package: name, command } = agentPackages[agent];
  const installed = findInModules(agent, join(own, 'node_modules'));
  if (installed !== undefined) return { ...installed, readable: nodeAnd(own) };
  for (const folder of toolPath.split(':').filter((entry) => entry.startsWith('/'))) {
    const file = findFile(join(folder, command));
    if (file === undefined) continue;
    const modules = modulesOf(file, name);
    const found = modules === undefined ? undefined : findInModules(agent, modules);
    if (found !== undefined && modules !== undefined)
      return { ...found, readable: nodeAnd(modules) };
    // The vendor's own installer: one file, called by its version or in a folder that is.
    return { version: versionIn(file), argv: [file], readable: [file], place: file };
  }
  return undefined;
}

/** Programs of npm run on Node: the one that runs this, which PATH need not name. */
function nodeAnd(folder: string): readonly string[] {
  return [folder, process.execPath];
}

function findInModules(
  agent: InstallableAgent,
  modules: string,
): Omit<AgentProgram, 'readable'> | undefined {
  const { package: name, command, native } = agentPackages[agent];
  const place = join(modules, name);
  const manifest = readManifest(place);
  if (manifest === undefined) return undefined;
  const { version } = manifest;
  if (native !== undefined) {
    const program = machineNames()
      .map((machine) => native.package.replace('{machine}', machine))
      .flatMap((one) => [join(modules, one), join(place, 'node_modules', one)])
      .map((folder) => findFile(join(folder, native.file)))
      .find((file) => file !== undefined);
    return program === undefined ? undefined : { version, argv: [program], place };
  }
  const script = manifest.bin[command];
  const file = script === undefined ? undefined : findFile(join(place, script));
  return file === undefined ? undefined : { version, argv: [process.execPath, file], place };
}

/** How packages call this machine; that for musl counts only where the other is not there. */
function machineNames(): readonly string[] {
  const machine = `${process.platform}-${process.arch}`;
  return [machine, `${machine}-musl`];
}

interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
}

function readManifest(folder: string): Manifest | undefined {
  try {
    const { version, bin } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as Partial<Manifest>;
    return typeof version === 'string' ? { version, bin: bin ?? {} } : undefined;
  } catch {
    return undefined;
  }
}

/** The real path of a file; undefined when there is none. */
function findFile(path: string): string | undefined {
  return existsSync(path) && statSync(path).isFile() ? realpathSync(path) : undefined;
}

/** The `node_modules` that holds the package which a file is of. */
function modulesOf(file: string, name: string): string | undefined {
  const inPackage = `${sep}node_modules${sep}${name.replaceAll('/', sep)}${sep}`;
  const at = file.lastIndexOf(inPackage);
  return at < 0 ? undefined : file.slice(0, at + `${sep}node_modules`.length);
}

function versionIn(file: string): string {
  const names = [basename(file), basename(dirname(file))];
  return names.find((name) => /^\d+\.\d+\.\d+/.test(name)) ?? 'unknown';
}
