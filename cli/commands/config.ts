/** `ado config`: settings, and where each comes from. */
import { existsSync } from 'node:fs';
import { changeUserConfig, settableKeys, toSetting } from '../../config/cli-config.ts';
import { suggestWord } from '../../config/closest-word.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Cli } from '../cli.ts';
import { isLocal, localContext } from '../contexts.ts';
import { exitCodes } from '../exit-codes.ts';
import { findHome, findLocalApiKey } from '../dev/home.ts';
import { findLocalAddress } from '../local-platform.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import {
  joinDefaults,
  loadContext,
  loadProjectConfig,
  loadUserConfig,
  projectConfigPath,
} from '../settings.ts';
import { formatTable } from '../table.ts';

interface Setting {
  readonly name: string;
  readonly value: unknown;
  readonly source: string;
}

/** `ado config get KEY`: prints one value. @throws USAGE for an unknown key, KEY_MISSING when there is no API key */
export async function getSetting(cli: Cli, name: string): Promise<number> {
  if (name === 'key') {
    const key = await findKey(cli);
    if (key === undefined) throw new AppError('KEY_MISSING', 'The context has no API key here.');
    cli.terminal.line(key.value);
    return exitCodes.ok;
  }
  const settings = await listSettings(cli);
  const names = [
    'key',
    'url',
    ...settableKeys.map((key) => key.name),
    'gates',
    'labels',
    'repositories',
  ];
  if (!names.includes(name))
    throw new AppError('USAGE', `There is no key "${name}"${suggestWord(name, names)}`);
  const value = settings.find((setting) => setting.name === name)?.value;
  if (value !== undefined) cli.terminal.line(toText(value));
  return exitCodes.ok;
}

/** `ado config set KEY VALUE`: writes one value to the user's file. @throws USAGE */
export function setSetting(cli: Cli, name: string, word: string): number {
  const { userConfigPath, variables } = cli.environment;
  changeUserConfig(userConfigPath, variables, [toSetting(name, word)]);
  cli.terminal.note(`Set ${name} in ${userConfigPath}.`);
  return exitCodes.ok;
}

/** `ado config view`: what is in force; with `resolved` where it comes from. */
export async function viewSettings(
  cli: Cli,
  options: { readonly resolved?: true | undefined; readonly output: OutputFormat },
): Promise<number> {
  const settings = await listSettings(cli);
  const value = Object.fromEntries(
    settings.map(({ name, value, source }) => [
      name,
      options.resolved === true ? { value, source } : value,
    ]),
  );
  const heading = options.resolved === true ? ['KEY', 'VALUE', 'FROM'] : ['KEY', 'VALUE'];
  await print(cli.terminal, options.output, {
    value,
    rows: settings,
    names: settings.map((setting) => setting.name),
    text: () =>
      formatTable(
        cli.terminal.paint,
        heading,
        settings.map(({ name, value, source }) => [
          name,
          toText(value),
          ...(options.resolved === true ? [source] : []),
        ]),
      ),
  });
  return exitCodes.ok;
}

/** `ado config path`: the files, whether they are there or not. */
export async function printPaths(
  cli: Cli,
  options: { readonly output: OutputFormat },
): Promise<number> {
  const files = [
    { name: 'user', path: cli.environment.userConfigPath },
    { name: 'project', path: projectConfigPath(cli) },
  ].map((file) => ({ ...file, exists: existsSync(file.path) }));
  await print(cli.terminal, options.output, {
    value: { items: files },
    rows: files,
    names: files.map((file) => file.path),
    text: () =>
      formatTable(
        cli.terminal.paint,
        ['FILE', 'PATH', ''],
        files.map(({ name, path, exists }) => [name, path, exists ? '' : 'not there']),
      ),
  });
  return exitCodes.ok;
}

async function listSettings(cli: Cli): Promise<Setting[]> {
  const context = await loadContext(cli);
  const project = await loadProjectConfig(cli);
  const user = await loadUserConfig(cli);
  const { userConfigPath } = cli.environment;
  const sources = {
    flag: '--context',
    environment: 'environment',
    user: userConfigPath,
    project: projectConfigPath(cli),
    default: 'default',
  };
  const local = isLocal(context) ? findLocalAddress(cli.environment.variables) : undefined;
  const urlSource =
    local === undefined
      ? context.name === 'environment'
        ? 'ADO_URL'
        : userConfigPath
      : 'local platform';
  const key = await findKey(cli);
  const url = context.url ?? local?.url;
  return [
    { name: 'context', value: context.name, source: sources[context.nameSource] },
    ...(url === undefined ? [] : [{ name: 'url', value: url, source: urlSource }]),
    ...(key === undefined ? [] : [{ name: 'key', value: mask(key.value), source: key.source }]),
    ...Object.entries(joinDefaults(user, project)).map(([name, { value, source }]) => ({
      name,
      value,
      source: sources[source],
    })),
    ...(project.repositories === undefined
      ? []
      : [{ name: 'repositories', value: project.repositories, source: sources.project }]),
  ];
}

async function findKey(
  cli: Cli,
): Promise<{ readonly value: string; readonly source: string } | undefined> {
  const context = await loadContext(cli);
  if (context.key !== undefined) return { value: context.key, source: context.keySource ?? '' };
  if (context.kubernetes?.keySecret !== undefined) {
    const { findSecretKey } = await import('../kubernetes/port-forward.ts');
    const value = await findSecretKey(cli.environment, context.kubernetes);
    return value === undefined
      ? undefined
      : { value, source: `secret ${context.kubernetes.keySecret}` };
  }
  if (context.name !== localContext) return undefined;
  const key = findLocalApiKey(findHome(cli.environment.variables));
  return key === undefined ? undefined : { value: key, source: 'local platform' };
}

/** A key without its secret part: enough to tell one from another. */
function mask(key: string): string {
  return `${key.split('_').slice(0, 3).join('_').slice(0, 24)}…`;
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
