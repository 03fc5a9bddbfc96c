/** `ado context`: the servers that ado knows by name. */
import { changeUserConfig } from '../../config/cli-config.ts';
import type { ContextConfig } from '../../config/cli-config.ts';
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
  const rows = Object.entries(all).map(([name, { url, key, keyEnv }]) => ({
    name,
    current: name === current.name,
    url,
    key: key === undefined ? (keyEnv ?? null) : 'kept',
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

/** The flags of `ado context add`. */
export interface AddOptions {
  readonly name: string;
  readonly url: string;
  /** The key, or `-` to read it from stdin. */
  readonly key?: string | undefined;
  readonly keyEnv?: string | undefined;
}

/** `ado context add`: a new context, or another address and key for a known one. */
export async function addContext(cli: Cli, options: AddOptions): Promise<number> {
  const { name, url, keyEnv } = options;
  if (name === localContext)
    throw new AppError('USAGE', 'The context local is built in; choose another name.');
  const key = options.key === '-' ? (await cli.readStdin()).trim() : options.key;
  const value = {
    url,
    ...(key === undefined ? {} : { key }),
    ...(keyEnv === undefined ? {} : { keyEnv }),
  };
  change(cli, [{ path: ['contexts', name], value }]);
  cli.terminal.note(
    `Context ${name} is ${url}. Use it with ${cli.environment.command} context use ${name}.`,
  );
  return exitCodes.ok;
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
