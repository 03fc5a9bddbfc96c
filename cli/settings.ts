/** The configuration files of a call. They are read, and what reads them loaded, only where there are any. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError } from '../contracts/errors.ts';
import type { ProjectConfig, RunDefaults, UserConfig } from '../config/cli-config.ts';
import type { Cli } from './cli.ts';
import { resolveContext } from './contexts.ts';
import type { ResolvedContext, Source } from './contexts.ts';

/** Loads the user's file; empty when there is none. @throws FILE_INVALID */
export async function loadUserConfig({
  environment,
}: Pick<Cli, 'environment'>): Promise<UserConfig> {
  if (!existsSync(environment.userConfigPath)) return {};
  const { findUserConfig } = await import('../config/cli-config.ts');
  return findUserConfig(environment.userConfigPath, environment.variables) ?? {};
}

/** The project's file: --config, else ./ado.config.yaml. */
export function projectConfigPath({
  environment,
  options,
}: Pick<Cli, 'environment' | 'options'>): string {
  return resolve(environment.cwd, options.config ?? 'ado.config.yaml');
}

/** Loads the project's file; empty when there is none and none was asked for. @throws FILE_INVALID */
export async function loadProjectConfig(
  cli: Pick<Cli, 'environment' | 'options'>,
): Promise<ProjectConfig> {
  const path = projectConfigPath(cli);
  if (!existsSync(path)) {
    if (cli.options.config === undefined) return {};
    throw new AppError('FILE_INVALID', `${path}, named by --config, does not exist.`);
  }
  const { findProjectConfig } = await import('../config/cli-config.ts');
  return findProjectConfig(path, cli.environment.variables) ?? {};
}

/** Loads the context of the call. @throws CONTEXT_NOT_FOUND or FILE_INVALID */
export async function loadContext(
  cli: Pick<Cli, 'environment' | 'options'>,
): Promise<ResolvedContext> {
  return resolveContext(cli.environment, cli.options.context, await loadUserConfig(cli));
}

/** The default of one flag of `run`, and the file it came from. */
export interface Default<Value> {
  readonly value: Value;
  readonly source: Source;
}

/** The defaults of `run`: the user's before the project's. */
export type Defaults = {
  readonly [Name in keyof RunDefaults]?: Default<NonNullable<RunDefaults[Name]>>;
};

/** Joins the defaults of both files. */
export function joinDefaults(user: UserConfig, project: ProjectConfig): Defaults {
  const { repositories: _, ...fromProject } = project;
  const tag = (values: RunDefaults, source: Source): [string, unknown][] =>
    Object.entries(values).map(([name, value]) => [name, { value, source }]);
  return Object.fromEntries([...tag(fromProject, 'project'), ...tag(user.defaults ?? {}, 'user')]);
}
