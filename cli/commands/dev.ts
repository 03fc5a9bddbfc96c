/** `ado dev`: the platform of this machine, started, looked at, stopped. */
import type { Cli } from '../cli.ts';
import { findHome } from '../dev/home.ts';
import { runPlatform, startPlatformInBackground, stopPlatform } from '../dev/platform.ts';
import type { Ports, PortName } from '../dev/ports.ts';
import { Reporter } from '../dev/progress.ts';
import { isAllReady, platformStatus } from '../dev/status.ts';
import type { PlatformStatus } from '../dev/status.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatTable } from '../table.ts';

/** The flags of `ado dev`. */
export interface DevOptions {
  readonly detach?: true | undefined;
  readonly port?: readonly (readonly [PortName, number])[] | undefined;
  readonly output: OutputFormat;
}

/** `ado dev`: in the foreground until Ctrl-C, or in the background. */
export async function startDev(cli: Cli, options: DevOptions): Promise<number> {
  const { environment, terminal } = cli;
  const reporter = new Reporter(terminal.stderr);
  const ports: Ports = Object.fromEntries(options.port ?? []);
  const platform = { home: findHome(environment.variables), env: environment.variables, ports };
  if (options.detach === true) {
    await printStatus(cli, await startPlatformInBackground(platform, reporter), options.output);
    return exitCodes.ok;
  }
  const onReady = (status: PlatformStatus): void => void printStatus(cli, status, options.output);
  const end = await runPlatform(platform, { reporter, onReady });
  if (end === 'already-running')
    terminal.note(`It runs already; stop it with ${environment.command} dev stop.`);
  return exitCodes.ok;
}

/** `ado dev status`: 0 when every service is ready. */
export async function showDevStatus(
  cli: Cli,
  options: Pick<DevOptions, 'output'>,
): Promise<number> {
  const status = await platformStatus(findHome(cli.environment.variables));
  await printStatus(cli, status, options.output);
  return isAllReady(status) ? exitCodes.ok : exitCodes.failed;
}

/** `ado dev stop`: leaves no process behind; the data stays. */
export async function stopDev(cli: Cli): Promise<number> {
  const end = await stopPlatform(findHome(cli.environment.variables));
  cli.terminal.note(
    end === 'stopped'
      ? 'Stopped; the next start goes on with unfinished tasks.'
      : 'Nothing was running.',
  );
  return exitCodes.ok;
}

async function printStatus(cli: Cli, status: PlatformStatus, output: OutputFormat): Promise<void> {
  const { paint } = cli.terminal;
  await print(cli.terminal, output, {
    value: status,
    rows: status.services,
    names: status.services.map((service) => service.name),
    text: () =>
      [
        formatTable(
          paint,
          ['SERVICE', 'STATE', 'URL', 'VERSION', 'PID'],
          status.services.map((service) => [
            service.name,
            service.ready ? paint.green('ready') : paint.red('down'),
            service.url ?? '',
            service.version ?? '',
            service.pid === null ? '' : String(service.pid),
          ]),
        ),
        '',
        `Data in ${status.dataDir}`,
      ].join('\n'),
  });
}
