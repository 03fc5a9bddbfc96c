/** Installs the vendors' coding agents from npm, each into a folder of its own below ado's folder of agents. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  agentPackages,
  findAgentProgram,
  findAgentsDir,
  type AgentProgram,
  type InstallableAgent,
} from '../../../config/agent-programs.ts';
import { AppError } from '../../../contracts/errors.ts';
import { lock } from '../lock.ts';
import type { Reporter } from '../progress.ts';
import { findOnPath, runProgram } from './run-program.ts';

/** 120 MB of packages on a slow line. */
const installTimeoutMs = 30 * 60_000;

/** Finds an agent's program on this machine, as a worker does that is started here; undefined when there is none. */
export function findAgentHere(
  agent: InstallableAgent,
  env: NodeJS.ProcessEnv,
): AgentProgram | undefined {
  return findAgentProgram(agent, { agentsDir: findAgentsDir(env), toolPath: env['PATH'] ?? '' });
}

/**
 * Installs an agent at the version that ado is tested with, in place of another in the same folder. No script of a package
 * is run: none of the programs needs its own. @throws PROGRAM_MISSING with what npm said
 */
export async function installAgent(
  agent: InstallableAgent,
  {
    env,
    reporter,
    signal,
  }: {
    readonly env: NodeJS.ProcessEnv;
    readonly reporter: Reporter;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<AgentProgram> {
  const folder = join(findAgentsDir(env), agent);
  const held = await lock(`${folder}.lock`, (holder) => {
    reporter.line(
      `${agent} is being installed by another ado (pid ${String(holder.pid)}); waiting for it.`,
    );
  });
  try {
    const { package: name, version, sizeMb } = agentPackages[agent];
    const found = findAgentHere(agent, env);
    if (found?.version === version && found.place.startsWith(folder)) return found;
    const step = reporter.step(`Installing ${name} ${version} from npm (${String(sizeMb)} MB)`);
    const said = await installInto(folder, `${name}@${version}`, { env, signal });
    const installed = said === undefined ? findAgentHere(agent, env) : undefined;
    step.end(installed === undefined ? 'failed' : 'done');
    if (installed !== undefined) return installed;
    const why = said ?? 'the package for this kind of machine is not in it';
    throw new AppError('PROGRAM_MISSING', `${agent} could not be installed from npm: ${why}`);
  } finally {
    held.release();
  }
}

/** Installs beside the folder and then takes its place, so that a half-finished one is never found. Answers what went wrong. */
async function installInto(
  folder: string,
  packageWithVersion: string,
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal?: AbortSignal | undefined },
): Promise<string | undefined> {
  const npm = findOnPath('npm', env);
  if (npm === undefined) return 'npm is not on PATH; it comes with Node.js';
  const [partial, replaced] = [`${folder}.partial`, `${folder}.replaced`];
  const clear = (): void => {
    for (const one of [partial, replaced]) rmSync(one, { recursive: true, force: true });
  };
  clear();
  mkdirSync(partial, { recursive: true });
  const switches = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { code, stderr } = await runProgram(
    npm,
    ['install', '--prefix', partial, ...switches, packageWithVersion],
    { env, cwd: partial, timeoutMs: installTimeoutMs, signal },
  );
  if (code !== 0) {
    clear();
    return stderr.trim().split('\n').slice(-5).join('\n');
  }
  mkdirSync(folder, { recursive: true });
  renameSync(folder, replaced);
  renameSync(partial, folder);
  clear();
  return undefined;
}
