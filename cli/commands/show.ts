/** `ado show` and `ado batch show`: one task or batch, whole. */
import type { Batch } from '../../contracts/batch.schema.ts';
import type { Step } from '../../contracts/step.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { shortId } from '../../contracts/names.ts';
import { listAll } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import { findPending, formatApproval, wayToLook, waysToAnswer } from '../approvals.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import type { stepWords } from '../definitions/words.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import type { IdKind } from '../find-id.ts';
import { isBatchId } from '../follow.ts';
import { isKept, printPublish } from '../kept-work.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatChecks, listChecks } from '../steps/checks.ts';
import { formatSteps } from '../steps/step-tree.ts';
import { listSummarised } from '../summarised-items.ts';
import { formatBatch, formatItems, formatTask } from '../summaries.ts';

/** What to show, and how. */
export interface ShowOptions {
  readonly id: string;
  readonly kind: IdKind;
  /** Default `some`. */
  readonly steps?: (typeof stepWords)[number] | undefined;
  readonly output: OutputFormat;
}

/** Columns where nobody knows how wide the output is: a pipe. */
const pipeWidth = 120;

/** Runs the command; answers the exit code. */
export async function show(cli: Cli, options: ShowOptions): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const id = await getId(api, options.id, options.kind);
  if (isBatchId(id)) await showBatch(cli, api, { id, output: options.output });
  else {
    const task = await showTask(cli, api, { ...options, id });
    if (options.output === 'text') {
      if (task.status === 'awaiting_approval') await printQuestion(cli, api, task.id);
      if (isKept(task)) printPublish(cli, task.id);
    }
  }
  return exitCodes.ok;
}

async function showTask(cli: Cli, api: ApiClient, options: ShowOptions): Promise<Task> {
  const params = { taskId: options.id };
  const [task, steps] = await Promise.all([
    api.call('get /v1/tasks/:taskId', { params }),
    options.output === 'name' || options.steps === 'none'
      ? []
      : listAll(Number.POSITIVE_INFINITY, (query) =>
          api.call('get /v1/tasks/:taskId/steps', { params, query }),
        ),
  ]);
  const checks = listChecks(steps);
  const { paint } = cli.terminal;
  await print(cli.terminal, options.output, {
    value: options.steps === 'none' ? task : { ...task, checks, stepList: steps },
    names: [task.id],
    text: () => [formatTask(task, paint), ...formatWork(cli, steps, options)].join('\n'),
  });
  return task;
}

/** The checks of a task and the tree of its steps, each under its heading. */
function formatWork({ terminal }: Cli, steps: readonly Step[], options: ShowOptions): string[] {
  const { paint, stdout } = terminal;
  const format = { paint, width: stdout.columns ?? pipeWidth, all: options.steps === 'all' };
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['checks', formatChecks(steps, format)],
    ['steps', formatSteps(steps, format)],
  ];
  return parts.flatMap(([heading, lines]) =>
    lines.length === 0 ? [] : ['', paint.dim(heading), ...lines],
  );
}

/** Shows what a task asks, and how to answer. */
async function printQuestion(cli: Cli, api: ApiClient, taskId: string): Promise<void> {
  const asked = await findPending(api, taskId);
  if (asked === undefined) return;
  const { line, note, notePaint, paint } = cli.terminal;
  line(`\n${formatApproval(asked, paint)}`);
  const { command: ado } = cli.environment;
  const look = wayToLook(ado, asked);
  const ways = waysToAnswer(ado, shortId(asked.id));
  for (const [word, command] of look === undefined ? ways : [['Look', look] as const, ...ways])
    note(notePaint.dim(`${word}: ${command}`));
}

/** Prints one task. */
export async function printTask(cli: Cli, task: Task, output: OutputFormat): Promise<void> {
  await print(cli.terminal, output, {
    value: task,
    names: [task.id],
    text: () => formatTask(task, cli.terminal.paint),
  });
}

async function showBatch(
  cli: Cli,
  api: ApiClient,
  { id, output }: { readonly id: string; readonly output: OutputFormat },
): Promise<void> {
  const params = { batchId: id };
  const batch = await api.call('get /v1/batches/:batchId', { params });
  const { failed, succeeded } =
    output === 'text' ? await listSummarised(api, id) : { failed: [], succeeded: [] };
  const failures = formatItems({ failed, succeeded: [] }, batch.counts, cli.terminal.paint);
  await printBatch(cli, batch, { output, after: failures });
  if (succeeded.some(isKept)) printPublish(cli, id);
}

/** Prints one batch, in text with further lines. */
export async function printBatch(
  cli: Cli,
  batch: Batch,
  { output, after = [] }: { readonly output: OutputFormat; readonly after?: readonly string[] },
): Promise<void> {
  await print(cli.terminal, output, {
    value: batch,
    names: [batch.id],
    text: () => [formatBatch(batch, cli.terminal.paint), ...after].join('\n'),
  });
}
