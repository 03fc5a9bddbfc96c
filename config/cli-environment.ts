/**
 * What the command line takes from its environment. Apart from cli-config.ts, so that commands without a configuration
 * file load neither the YAML parser nor the schemas.
 */
import { homedir } from 'node:os';
import { join, relative, isAbsolute } from 'node:path';

/** The environment of the command line, in its own words. */
export interface CliEnvironment {
  readonly cwd: string;
  readonly homeDir: string;
  /** `~/.config/ado/config.yaml`; `XDG_CONFIG_HOME` moves it. */
  readonly userConfigPath: string;
  /** Folder for what can be made again: `ADO_CACHE`, else `ado` in the user's cache directory. */
  readonly cacheDir: string;
  /** `ADO_CONTEXT`. */
  readonly contextName: string | undefined;
  /** `ADO_URL`: a server without a context. */
  readonly url: string | undefined;
  /** `ADO_API_KEY`. */
  readonly apiKey: string | undefined;
  /** `NO_COLOR` is set (no-color.org). */
  readonly noColor: boolean;
  /** How to call ado from here, for messages: `ado`, `./ado`, or the path of its launcher. */
  readonly command: string;
  /** Everything, for `${VAR}` in configuration files, `keyEnv`, and the programs of the local platform. */
  readonly variables: NodeJS.ProcessEnv;
}

/** Reads the environment of the command line. An empty variable counts as none. */
export function readCliEnvironment(
  env: NodeJS.ProcessEnv = process.env,
  cwd: string = process.cwd(),
): CliEnvironment {
  const find = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const homeDir = find('HOME') ?? homedir();
  return {
    cwd,
    homeDir,
    userConfigPath: join(find('XDG_CONFIG_HOME') ?? join(homeDir, '.config'), 'ado', 'config.yaml'),
    cacheDir: find('ADO_CACHE') ?? join(find('XDG_CACHE_HOME') ?? join(homeDir, '.cache'), 'ado'),
    contextName: find('ADO_CONTEXT'),
    url: find('ADO_URL'),
    apiKey: find('ADO_API_KEY'),
    noColor: find('NO_COLOR') !== undefined,
    command: commandName(find('ADO_LAUNCHER'), cwd),
    variables: env,
  };
}

function commandName(launcher: string | undefined, cwd: string): string {
  if (launcher === undefined) return 'ado';
  const near = relative(cwd, launcher);
  return near.startsWith('..') || isAbsolute(near) ? launcher : `./${near}`;
}
