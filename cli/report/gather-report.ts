/** Reads all that a report of a batch tells from the API. */
import type { Batch } from '../../contracts/batch.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { listAll } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import { callsAtOnce, eachAtOnce } from '../each-at-once.ts';
import { listChecks } from '../steps/checks.ts';
import { reportVersion } from './report.ts';
import type { ModelCost, Report, ReportItem } from './report.ts';

/** How a report is gathered. */
export interface Gathering {
  /** Longest change of an item that is kept, and of all together, in characters: all of them are in memory at once. */
  readonly patchBudget: { readonly item: number; readonly all: number };
  /** Is told how many items have been read. */
  readonly onItem: (read: number, total: number) => void;
}

/** Gathers the report of a batch as it is now. */
export async function gatherReport(
  api: ApiClient,
  batchId: string,
  { patchBudget, onItem }: Gathering,
): Promise<Report> {
  const params = { batchId };
  const batch = await api.call('get /v1/batches/:batchId', { params });
  const tasks = await listAll(Number.POSITIVE_INFINITY, (query) =>
    api.call('get /v1/batches/:batchId/items', { params, query }),
  );
  const items = new Map<string, ReportItem>();
  let left = patchBudget.all;
  const keep = (item: ReportItem): ReportItem => {
    if (item.patch.length > Math.min(patchBudget.item, left))
      return { ...item, patch: '', isCut: true };
    left -= item.patch.length;
    return item;
  };
  await eachAtOnce(tasks, callsAtOnce, async (task) => {
    items.set(task.id, keep(await gatherItem(api, task)));
    onItem(items.size, tasks.length);
  });
  return {
    schemaVersion: reportVersion,
    writtenAt: new Date().toISOString(),
    batch,
    models: await listModels(api, batch),
    items: tasks.flatMap((task) => items.get(task.id) ?? []),
  };
}

/** What never began has neither steps nor a change: nothing is asked for. */
async function gatherItem(api: ApiClient, task: Task): Promise<ReportItem> {
  const params = { taskId: task.id };
  const hasBegun = task.startedAt !== undefined || task.attempt > 1;
  const [steps, patch] = await Promise.all([
    hasBegun
      ? listAll(Number.POSITIVE_INFINITY, (query) =>
          api.call('get /v1/tasks/:taskId/steps', { params, query }),
        )
      : [],
    hasBegun || task.commit !== undefined ? api.text('get /v1/tasks/:taskId/diff', { params }) : '',
  ]);
  return { task, checks: listChecks(steps), steps, patch };
}

async function listModels(api: ApiClient, batch: Batch): Promise<ModelCost[]> {
  if (batch.costMicroUsd === 0 && batch.inputTokens === 0) return [];
  const rows = await listAll(Number.POSITIVE_INFINITY, (query) =>
    api.call('get /v1/usage', {
      query: { ...query, by: 'model', batchId: batch.id, from: batch.createdAt },
    }),
  );
  return rows.map(({ key, calls, inputTokens, outputTokens, costMicroUsd }) => ({
    model: key ?? '(none)',
    ...{ calls, inputTokens, outputTokens, costMicroUsd },
  }));
}
