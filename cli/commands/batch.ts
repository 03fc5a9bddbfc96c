/** `ado batch list|items|set`; its other verbs are those of tasks. */
import { listAll } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatBatches, formatTasks } from '../summaries.ts';
import { printBatch } from './show.ts';

/** `ado batch list`. */
export async function listBatches(
  cli: Cli,
  options: { readonly limit: number; readonly output: OutputFormat },
): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const batches = await listAll(options.limit, (query) => api.call('get /v1/batches', { query }));
  await print(cli.terminal, options.output, {
    value: { items: batches },
    rows: batches,
    names: batches.map((batch) => batch.id),
    text: () => formatBatches(batches, cli.terminal.paint),
  });
  return exitCodes.ok;
}

/** The flags of `ado batch items`. */
export interface ItemsOptions {
  readonly id: string;
  readonly status?: readonly string[] | undefined;
  readonly outcome?: readonly string[] | undefined;
  readonly failure?: readonly string[] | undefined;
  readonly output: OutputFormat;
}

/** `ado batch items`. */
export async function listItems(cli: Cli, options: ItemsOptions): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const batchId = await getId(api, options.id, 'batch');
  const filters = {
    status: options.status?.join(','),
    outcome: options.outcome?.join(','),
    failureClass: options.failure?.join(','),
  };
  const items = await listAll(Number.POSITIVE_INFINITY, (query) =>
    api.call('get /v1/batches/:batchId/items', {
      params: { batchId },
      query: { ...query, ...filters },
    }),
  );
  await print(cli.terminal, options.output, {
    value: { items },
    rows: items,
    names: items.map((task) => task.id),
    text: () => formatTasks(items, cli.terminal.paint),
  });
  return exitCodes.ok;
}

/** The flags of `ado batch set`. */
export interface SetOptions {
  readonly id: string;
  readonly parallel?: number | undefined;
  readonly failureBudget?: number | undefined;
  readonly output: OutputFormat;
}

/** `ado batch set`. */
export async function setBatch(cli: Cli, options: SetOptions): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const batchId = await getId(api, options.id, 'batch');
  const { parallel, failureBudget } = options;
  const batch = await api.call('patch /v1/batches/:batchId', {
    params: { batchId },
    body: {
      ...(parallel === undefined ? {} : { parallel }),
      ...(failureBudget === undefined ? {} : { failureBudget }),
    },
  });
  cli.terminal.note(`Changed ${batch.id}: ${batch.parallel} at once.`);
  if (options.output !== 'text') await printBatch(cli, batch, options);
  return exitCodes.ok;
}
