/** `ado ps`: tasks and batches, newest first. */
import type { Batch } from '../../contracts/batch.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { listAll } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatBatches, formatTasks } from '../summaries.ts';

/** The flags of `ado ps`. */
export interface PsOptions {
  readonly status?: readonly string[] | undefined;
  readonly outcome?: readonly string[] | undefined;
  readonly failure?: readonly string[] | undefined;
  readonly batch?: string | undefined;
  readonly repository?: string | undefined;
  readonly label?: string | undefined;
  readonly limit: number;
  readonly all?: true | undefined;
  readonly output: OutputFormat;
}

/** Runs the command; answers the exit code. */
export async function ps(cli: Cli, options: PsOptions): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const isFiltered = [
    options.status,
    options.outcome,
    options.failure,
    options.batch,
    options.repository,
    options.label,
  ].some((filter) => filter !== undefined);
  const [tasks, batches] = await Promise.all([
    listTasks(api, options, isFiltered || options.all === true),
    isFiltered ? [] : listAll(options.limit, (query) => api.call('get /v1/batches', { query })),
  ]);
  const rows = [
    ...batches.map((data) => ({ kind: 'batch' as const, ...data })),
    ...tasks.map((data) => ({ kind: 'task' as const, ...data })),
  ].sort((one, other) => other.createdAt.localeCompare(one.createdAt));
  await print(cli.terminal, options.output, {
    value: { items: rows },
    rows,
    names: rows.map((row) => row.id),
    text: () => formatBoth(cli, tasks, batches),
  });
  return exitCodes.ok;
}

/** Items of batches are many and stand in their batch's row; they are left out unless something asks for them. */
async function listTasks(api: ApiClient, options: PsOptions, withItems: boolean): Promise<Task[]> {
  const batchId =
    options.batch === undefined ? undefined : await getId(api, options.batch, 'batch');
  const filters = {
    status: options.status?.join(','),
    outcome: options.outcome?.join(','),
    failureClass: options.failure?.join(','),
    batchId,
    inBatch: withItems ? undefined : ('false' as const),
    repository: options.repository,
    label: options.label,
  };
  return listAll(options.limit, (query) =>
    api.call('get /v1/tasks', { query: { ...query, ...filters } }),
  );
}

function formatBoth(cli: Cli, tasks: readonly Task[], batches: readonly Batch[]): string {
  const { paint, note } = cli.terminal;
  const tables = [
    ...(batches.length === 0 ? [] : [formatBatches(batches, paint)]),
    ...(tasks.length === 0 ? [] : [formatTasks(tasks, paint)]),
  ];
  if (tables.length === 0) note('Nothing here.');
  return tables.join('\n\n');
}
