/** `ado workers list`: the processes that do the work. */
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatTable } from '../table.ts';
import { formatAge } from '../texts.ts';

/** Lists the workers; answers the exit code. */
export async function listWorkers(
  cli: Cli,
  { output }: { readonly output: OutputFormat },
): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const { items } = await api.call('get /v1/workers', {});
  const { paint, note } = cli.terminal;
  await print(cli.terminal, output, {
    value: { items },
    rows: items,
    names: items.map(({ id }) => id),
    text: () => {
      if (items.length === 0) {
        note('No worker has told of itself within 15 seconds: nothing is being worked on.');
        return '';
      }
      const now = Date.now();
      return formatTable(
        paint,
        ['WORKER', 'STATE', 'POOLS (BUSY/SLOTS)', 'VERSION', 'STARTED'],
        items.map((worker) => [
          worker.id,
          worker.state === 'running' ? paint.green('running') : paint.yellow('stopping'),
          worker.pools
            .map(({ name, busySlots, slots }) => `${name} ${busySlots}/${slots}`)
            .join(', '),
          [worker.version, worker.buildId].filter((word) => word !== undefined).join(' '),
          formatAge(worker.startedAt, now),
        ]),
      );
    },
  });
  return exitCodes.ok;
}
