/** The way from a command to the API of its context. */
import { AppError } from '../contracts/errors.ts';
import { createApiClient } from './api-client.ts';
import type { Address, ApiClient } from './api-client.ts';
import type { Cli } from './cli.ts';
import { localContext } from './contexts.ts';
import type { ResolvedContext } from './contexts.ts';
import { loadContext } from './settings.ts';

/** Whether a command may start the platform of this machine: those that begin work do. */
export interface ConnectOptions {
  readonly mayStart: boolean;
}

/**
 * Connects to the API of the call's context. In `local`, when nothing answers and the command may, the platform is
 * started in the background first.
 * @throws SERVER_UNREACHABLE, CONTEXT_NOT_FOUND, FILE_INVALID, and what starting can fail with
 */
export async function connect(cli: Cli, { mayStart }: ConnectOptions): Promise<ApiClient> {
  const context = await loadContext(cli);
  if (context.url !== undefined) {
    const address: Address = { url: context.url, key: context.key };
    return createApiClient(() => address);
  }
  if (context.kubernetes !== undefined) {
    const { forwardToApi } = await import('./kubernetes/port-forward.ts');
    return createApiClient(await forwardToApi(cli, context, context.kubernetes));
  }
  return connectLocally(cli, context, mayStart);
}

async function connectLocally(
  cli: Cli,
  context: ResolvedContext,
  mayStart: boolean,
): Promise<ApiClient> {
  const { variables } = cli.environment;
  const { findLocalAddress, startLocalPlatform } = await import('./local-platform.ts');
  if (findLocalAddress(variables) === undefined && mayStart) {
    cli.terminal.note(
      `Nothing answers in context ${localContext}: starting the local platform in the background …`,
    );
    await startLocalPlatform(variables, cli.terminal.stderr);
  }
  let known: Address | undefined;
  const findAddress = (): Address => {
    const found = findLocalAddress(variables);
    if (found !== undefined) known = { url: found.url, key: context.key ?? found.key };
    if (known !== undefined) return known;
    throw new AppError('SERVER_UNREACHABLE', 'The local platform is not running.');
  };
  return createApiClient(findAddress);
}
