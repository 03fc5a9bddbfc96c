/** `ado context`: the servers that ado knows by name. */
import { resolve } from 'node:path';
import { changeUserConfig } from '../../config/cli-config.ts';
import type { ContextConfig, KubernetesConfig } from '../../config/cli-config.ts';
import { suggestWord } from '../../config/closest-word.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Cli } from '../cli.ts';
import { localContext } from '../contexts.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { loadContext, loadUserConfig } from '../settings.ts';
import { formatTable } from '../table.ts';

/** `ado context list`. */
export async function listContexts(
  cli: Cli,
  options: { readonly output: OutputFormat },
): Promise<number> {
  const { contexts = {} } = await loadUserConfig(cli);
  const current = await loadContext(cli);
  const known: Readonly<Record<string, Partial<ContextConfig>>> = {
    [localContext]: { url: '(this machine)' },
    ...contexts,
  };
  const { url: currentUrl, key: currentKey } = current;
  const all = Object.hasOwn(known, current.name)
    ? known
    : { ...known, [current.name]: { url: currentUrl, key: currentKey } };
  // The key itself is never shown here, only where it is kept.
  const rows = Object.entries(all).map(([name, { url, kubernetes, key, keyEnv }]) => ({
    name,
    current: name === current.name,
    url: url ?? (kubernetes && placeOf(kubernetes)),
    key: key === undefined ? (keyEnv ?? kubernetes?.keySecret ?? null) : 'kept',
  }));
  await print(cli.terminal, options.output, {
    value: { items: rows },
    rows,
    names: rows.map((row) => row.name),
    text: () =>
      formatTable(
        cli.terminal.paint,
        ['', 'NAME', 'URL', 'KEY'],
        rows.map((row) => [row.current ? '*' : '', row.name, row.url ?? '', row.key ?? '']),
      ),
  });
  return exitCodes.ok;
}

/** `ado context current`. */
export async function printContext(cli: Cli): Promise<number> {
  cli.terminal.line((await loadContext(cli)).name);
  return exitCodes.ok;
}

/** `ado context use`. @throws CONTEXT_NOT_FOUND */
export async function useContext(cli: Cli, name: string): Promise<number> {
  await assertContext(cli, name);
  change(cli, [{ path: ['current'], value: name }]);
  cli.terminal.note(`The context is ${name}.`);
  return exitCodes.ok;
}

/** Where a release is, as a list shows it. */
function placeOf({ namespace, service }: KubernetesConfig): string {
  return `kubernetes ${namespace}/${service}`;
}

/** The flags of `ado context add`. */
export interface AddOptions {
  readonly name: string;
  readonly url?: string | undefined;
  /** The key, or `-` to read it from stdin. */
  readonly key?: string | undefined;
  readonly keyEnv?: string | undefined;
  /** Of a release on Kubernetes, in place of a URL. The others belong to it. */
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
  readonly release?: string | undefined;
  readonly chart?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly kubeContext?: string | undefined;
  readonly keySecret?: string | undefined;
}

/** `ado context add`: a new context, or another address and key for a known one. @throws USAGE, FILE_INVALID */
export async function addContext(cli: Cli, options: AddOptions): Promise<number> {
  const { name, keyEnv } = options;
  if (name === localContext)
    throw new AppError('USAGE', 'The context local is built in; choose another name.');
  const place = toPlace(cli, options);
  const key = options.key === '-' ? (await cli.readStdin()).trim() : options.key;
  const value = {
    ...place,
    ...(key === undefined ? {} : { key }),
    ...(keyEnv === undefined ? {} : { keyEnv }),
  };
  change(cli, [{ path: ['contexts', name], value }]);
  const shown = options.url ?? `namespace ${options.namespace ?? ''} on Kubernetes`;
  cli.terminal.note(
    `Context ${name} is ${shown}. Use it with ${cli.environment.command} context use ${name}.`,
  );
  return exitCodes.ok;
}

function toPlace({ environment }: Cli, options: AddOptions): object {
  const { url, namespace, service, release, chart, kubeconfig, kubeContext, keySecret } = options;
  const inCluster = { service, release, chart, kubeconfig, kubeContext, keySecret };
  const given = Object.entries(inCluster).filter(([, value]) => value !== undefined);
  if (url !== undefined && namespace === undefined && given.length === 0) return { url };
  if (url !== undefined || namespace === undefined) {
    throw new AppError(
      'USAGE',
      'Give --url for a server with an address, or --namespace (and --service, --key-secret …) for a release on Kubernetes.',
    );
  }
  const files = ['chart', 'kubeconfig'];
  const absolute = given.map(([flag, value]): [string, string | undefined] => [
    flag,
    files.includes(flag) ? resolve(environment.cwd, value ?? '') : value,
  ]);
  return { kubernetes: { namespace, ...Object.fromEntries(absolute) } };
}

/** `ado context remove`. @throws CONTEXT_NOT_FOUND */
export async function removeContext(cli: Cli, name: string): Promise<number> {
  if (name === localContext)
    throw new AppError('USAGE', 'The context local is built in and stays.');
  await assertContext(cli, name);
  const { current } = await loadUserConfig(cli);
  const goBack = current === name ? [{ path: ['current'], value: undefined }] : [];
  change(cli, [{ path: ['contexts', name], value: undefined }, ...goBack]);
  cli.terminal.note(`Context ${name} is removed.`);
  return exitCodes.ok;
}

async function assertContext(cli: Cli, name: string): Promise<void> {
  const { contexts = {} } = await loadUserConfig(cli);
  const names = [localContext, ...Object.keys(contexts)];
  if (names.includes(name)) return;
  throw new AppError(
    'CONTEXT_NOT_FOUND',
    `There is no context "${name}"${suggestWord(name, names)}`,
  );
}

function change({ environment }: Cli, changes: Parameters<typeof changeUserConfig>[2]): void {
  changeUserConfig(environment.userConfigPath, environment.variables, changes);
}
