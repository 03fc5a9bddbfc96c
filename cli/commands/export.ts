/** `ado batch export`: the results of a batch as a folder of files. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import type { Batch } from '../../contracts/batch.schema.ts';
import type { Event } from '../../contracts/event.schema.ts';
import type { Step } from '../../contracts/step.schema.ts';
import { gateSchema } from '../../contracts/task.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { listAll } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { callsAtOnce, eachAtOnce } from '../each-at-once.ts';
import { exitCodes } from '../exit-codes.ts';
import {
  batchFileSchema,
  costFileSchema,
  exportVersion,
  itemFileSchema,
  itemsHeading,
  itemsRowSchema,
  transcriptLineSchema,
} from '../export-schema.ts';
import type { BatchFile, CostFile, ItemsRow } from '../export-schema.ts';
import { getId } from '../find-id.ts';
import { followEvents } from '../follow.ts';
import { nameFolders, openResultFolder, writeResult } from '../result-folder.ts';
import { formatCsv, formatLock } from '../targets/lock.ts';
import { countOf } from '../texts.ts';

/** Runs the command; answers the exit code. */
export async function exportBatch(
  cli: Cli,
  options: { readonly id: string; readonly folder: string },
): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const batchId = await getId(api, options.id, 'batch');
  const root = resolve(cli.environment.cwd, options.folder);
  const params = { batchId };
  const batch = await api.call('get /v1/batches/:batchId', { params });
  openResultFolder(root, batchId);
  const tasks = await listAll(Number.POSITIVE_INFINITY, (query) =>
    api.call('get /v1/batches/:batchId/items', { params, query }),
  );
  const folders = nameFolders(tasks.map((task) => task.repository));
  const items = tasks.map((task, index) => ({ task, folder: folders[index] ?? task.id }));
  await eachAtOnce(items, callsAtOnce, (item) =>
    exportItem(api, { ...item, root: join(root, 'items', item.folder) }),
  );
  const lock = formatLock(tasks.map((task) => toLockRow(task, batch)));
  writeResult(join(root, 'lock.csv'), lock);
  writeResult(join(root, 'items.csv'), formatItemsCsv(items));
  const file: BatchFile = {
    schemaVersion: exportVersion,
    exportedAt: new Date().toISOString(),
    batch,
    lockDigest: createHash('sha256').update(lock).digest('hex'),
    items: items.map(({ task, folder }, index) => ({
      itemIndex: task.itemIndex ?? index,
      taskId: task.id,
      folder,
    })),
  };
  writeResult(join(root, 'batch.json'), toJson(batchFileSchema, file));
  cli.terminal.note(`Wrote ${countOf(items.length, 'item')} to ${root}.`);
  return exitCodes.ok;
}

interface Item {
  readonly task: Task;
  readonly folder: string;
}

async function exportItem(
  api: ApiClient,
  { task, root }: { readonly task: Task; readonly root: string },
): Promise<void> {
  const params = { taskId: task.id };
  const [steps, messages, patch] = await Promise.all([
    listAll(Number.POSITIVE_INFINITY, (query) =>
      api.call('get /v1/tasks/:taskId/steps', { params, query }),
    ),
    listAll(Number.POSITIVE_INFINITY, (query) =>
      api.call('get /v1/tasks/:taskId/messages', { params, query }),
    ),
    api.text('get /v1/tasks/:taskId/diff', { params }),
  ]);
  writeResult(
    join(root, 'prompt.md'),
    task.prompt.endsWith('\n') ? task.prompt : `${task.prompt}\n`,
  );
  const lines = messages.map(
    (message) => `${JSON.stringify(transcriptLineSchema.parse(message))}\n`,
  );
  writeResult(join(root, 'transcript.jsonl'), lines.join(''));
  writeResult(join(root, 'diff.patch'), patch);
  if (steps.some((step) => step.kind === 'gate')) {
    for (const [name, text] of await readGateLogs(api, task.id))
      writeResult(join(root, 'gates', `${name}.log`), text);
  }
  const { costMicroUsd, inputTokens, outputTokens } = task;
  const cost: CostFile = { costMicroUsd, inputTokens, outputTokens, steps: steps.map(toStepCost) };
  writeResult(join(root, 'cost.json'), toJson(costFileSchema, cost));
  writeResult(join(root, 'item.json'), toJson(itemFileSchema, task));
}

function toStepCost({ attempt, step, kind, costMicroUsd }: Step): CostFile['steps'][number] {
  return { attempt, step, kind, costMicroUsd };
}

/** What each gate wrote, run after run; success logs are kept too. */
async function readGateLogs(api: ApiClient, taskId: string): Promise<Map<string, string>> {
  const logs = new Map<string, string>();
  let open: string | undefined;
  const append = (text: string): void => {
    if (open !== undefined) logs.set(open, (logs.get(open) ?? '') + text);
  };
  for await (const event of listEvents(api, taskId)) {
    if (event.type === 'step-started') {
      open = event.data.kind === 'gate' ? logNameOf(event.data) : undefined;
      append(`== step ${event.data.step}: ${event.data.summary}\n`);
    } else if (event.type === 'output' && event.data.source === 'gate') {
      append(event.data.text);
    } else if (event.type === 'step-finished' && event.data.kind === 'gate') {
      append(`\n== ${event.data.ok ? 'passed' : 'failed'}: ${event.data.summary}\n`);
      open = undefined;
    }
  }
  return logs;
}

function listEvents(api: ApiClient, id: string): AsyncIterable<Event> {
  const { signal } = new AbortController();
  return followEvents({ api, id, after: 0, follow: false, signal, onConnection: () => undefined });
}

/** The gate that begins: its name is its summary, and safe as a file name; what else there might be is not. */
function logNameOf({ summary, step }: { readonly summary: string; readonly step: number }): string {
  return gateSchema.shape.name.safeParse(summary).success ? summary : `step-${step}`;
}

function toLockRow(task: Task, batch: Batch): Parameters<typeof formatLock>[0][number] {
  return {
    repository: task.repository,
    baseRef: task.baseRef,
    baseCommit: task.baseCommit,
    // A rendered prompt differs from the batch's template also without being the item's own; variables render it again.
    prompt:
      task.prompt === batch.prompt || Object.keys(task.variables).length > 0
        ? undefined
        : task.prompt,
    variables: task.variables,
    skip: task.outcome === 'skipped_optout' ? 'optout' : undefined,
  };
}

function formatItemsCsv(items: readonly Item[]): string {
  const rows = items.map(({ task, folder }, index): ItemsRow => {
    const {
      outcome = '',
      failureClass = '',
      reason = '',
      errorCode = '',
      startedAt = '',
      endedAt = '',
    } = task;
    return itemsRowSchema.parse({
      ...{ outcome, failureClass, reason, errorCode, startedAt, endedAt, folder },
      itemIndex: String(task.itemIndex ?? index),
      taskId: task.id,
      repository: task.repository,
      attempt: String(task.attempt),
      costMicroUsd: String(task.costMicroUsd),
      inputTokens: String(task.inputTokens),
      outputTokens: String(task.outputTokens),
      branch: task.commit === undefined ? '' : task.branch,
      commit: task.commit ?? '',
      published: task.published === undefined ? '' : String(task.published),
    });
  });
  return formatCsv([itemsHeading, ...rows.map((row) => itemsHeading.map((column) => row[column]))]);
}

function toJson(schema: z.ZodType, value: unknown): string {
  return `${JSON.stringify(schema.parse(value), null, 2)}\n`;
}
