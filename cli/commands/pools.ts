/** `ado pools list`: what waits, who works, and how many workers it takes. */
import type { PoolState } from '../../contracts/fleet.schema.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { alignRight, formatTable } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { formatDuration } from '../texts.ts';

/** Lists the pools; answers the exit code. */
export async function listPools(
  cli: Cli,
  { output }: { readonly output: OutputFormat },
): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const { items } = await api.call('get /v1/pools', {});
  await print(cli.terminal, output, {
    value: { items },
    rows: items,
    names: items.map(({ name }) => name),
    text: () => formatPools(items, cli.terminal.paint),
  });
  return exitCodes.ok;
}

function formatPools(pools: readonly PoolState[], paint: Paint): string {
  const heading = ['POOL', 'WORKERS', 'DESIRED', 'BUSY', 'SLOTS EACH', 'BACKLOG', 'OLDEST'];
  const rows = pools.map((pool) => [
    pool.name,
    pool.workers === 0 && pool.desired > 0 ? paint.red('0') : String(pool.workers),
    String(pool.desired),
    String(pool.busySlots),
    String(pool.slotsPerWorker),
    String(pool.backlog),
    pool.backlog === 0 ? '-' : formatDuration(pool.backlogAgeSeconds * 1_000),
  ]);
  return formatTable(paint, ...alignRight(heading, rows, 1));
}
