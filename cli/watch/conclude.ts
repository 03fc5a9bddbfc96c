/** The end of a waiting command: what is printed, and the exit code. */
import { randomUUID } from 'node:crypto';
import type { Batch } from '../../contracts/batch.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { isFinal } from '../../contracts/task-status.ts';
import { eachItem } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { exitCodeOf, exitCodeOfCounts, exitCodeOfTask, exitCodes } from '../exit-codes.ts';
import { isBatchId } from '../follow.ts';
import { isKept, printPublish } from '../kept-work.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { reportError } from '../print-error.ts';
import { formatItems, formatTask } from '../summaries.ts';
import { listSummarised } from '../summarised-items.ts';
import type { SummarisedItems } from '../summarised-items.ts';
import type { Paint } from '../terminal.ts';
import { countOf, formatDuration, formatSpent, paintWord } from '../texts.ts';
import { tryAgain } from '../try-again.ts';
import { openDisplay } from './display.ts';
import type { Watched } from './display.ts';
import type { Interrupts } from './interrupts.ts';
import { waitForEnd } from './wait.ts';

/** How a command waits for work that was accepted. */
export interface Waiting {
  readonly watched: Watched;
  /** Sequence number after which events are shown. */
  readonly after: number;
  readonly format: OutputFormat;
  readonly timeoutMs: number | undefined;
  readonly interrupts: Interrupts;
}

/** Time that the server may stay away when the last word is fetched from it. */
const lastWordMs = 60_000;
/** Time in which a second Ctrl-C means: cancel. */
const secondInterruptMs = 2_000;

/** Waits for accepted work and prints how it ended; answers the exit code. */
export async function waitAndConclude(cli: Cli, api: ApiClient, waiting: Waiting): Promise<number> {
  const { watched, format, after, timeoutMs, interrupts } = waiting;
  const display = await openDisplay(cli, api, { watched, format });
  const end = await waitForEnd(api, { id: watched.id, after, display, interrupts, timeoutMs });
  if (end === 'interrupted') return detach(cli, api, waiting);
  const subject = await getSubject(cli, api, watched.id);
  const exitCode =
    end === 'timed-out' && !isFinal(subject.data.status)
      ? exitCodes.stillRunning
      : await exitCodeOfEnd(api, subject);
  const items =
    subject.kind === 'batch' && format === 'text'
      ? await listSummarised(api, subject.data.id)
      : { succeeded: [], failed: [] };
  await printResult(cli, { subject, format, exitCode, items });
  const ended = subject.kind === 'task' ? [subject.data] : items.succeeded;
  if (ended.some(isKept)) printPublish(cli, subject.data.id);
  printNextCommands(cli, subject, exitCode);
  return exitCode;
}

/** A task or a batch. */
export type Subject =
  { readonly kind: 'task'; readonly data: Task } | { readonly kind: 'batch'; readonly data: Batch };

async function getSubject(cli: Cli, api: ApiClient, id: string): Promise<Subject> {
  const onRepeat = (): void => cli.terminal.note('The server does not answer; trying again.');
  return tryAgain(
    async () =>
      isBatchId(id)
        ? {
            kind: 'batch',
            data: await api.call('get /v1/batches/:batchId', { params: { batchId: id } }),
          }
        : {
            kind: 'task',
            data: await api.call('get /v1/tasks/:taskId', { params: { taskId: id } }),
          },
    { forMs: lastWordMs, onRepeat },
  );
}

async function exitCodeOfEnd(api: ApiClient, { kind, data }: Subject): Promise<number> {
  if (kind === 'task') return exitCodeOfTask(data);
  const hasFailed = data.counts.byOutcome.failed > 0;
  return exitCodeOfCounts(data.counts, {
    allByBudget: hasFailed && (await areAllByBudget(api, data.id)),
  });
}

/** Looks at failed items up to the first one that no budget has ended. */
async function areAllByBudget(api: ApiClient, batchId: string): Promise<boolean> {
  const failed = eachItem(Infinity, (query) =>
    api.call('get /v1/batches/:batchId/items', {
      params: { batchId },
      query: { ...query, outcome: 'failed' },
    }),
  );
  for await (const { errorCode } of failed) if (errorCode !== 'BUDGET_EXCEEDED') return false;
  return true;
}

interface Result {
  readonly subject: Subject;
  readonly format: OutputFormat;
  readonly exitCode: number;
  /** Of a batch that is told as text. */
  readonly items: SummarisedItems;
}

async function printResult(cli: Cli, { subject, format, exitCode, items }: Result): Promise<void> {
  const { paint } = cli.terminal;
  await print(cli.terminal, format, {
    value: subject.data,
    rows: [{ type: 'result', exitCode, kind: subject.kind, ...subject.data }],
    names: [subject.data.id],
    text: () =>
      subject.kind === 'task'
        ? formatTask(subject.data, paint)
        : summarise(paint, subject.data, items).join('\n'),
  });
}

function summarise(paint: Paint, batch: Batch, items: SummarisedItems): string[] {
  const outcomes = Object.entries(batch.counts.byOutcome).filter(([, count]) => count > 0);
  const facts = [
    `${countOf(batch.counts.total, 'item')}: ${outcomes.map(([word, count]) => `${count} ${word.replaceAll('_', ' ')}`).join(', ')}`,
    ...(batch.startedAt === undefined || batch.endedAt === undefined
      ? []
      : [formatDuration(Date.parse(batch.endedAt) - Date.parse(batch.startedAt))]),
    formatSpent(batch),
  ];
  const head = `${paintWord(paint, batch.status)}  ${paint.bold(batch.name)}  ${facts.join('  ')}`;
  return [...formatItems(items, batch.counts, paint), head];
}

/** Says on stderr what one would do next. */
function printNextCommands(cli: Cli, { kind, data }: Subject, exitCode: number): void {
  const { note, notePaint } = cli.terminal;
  const ado = cli.environment.command;
  const say = (what: string, command: string): void =>
    note(notePaint.dim(`${what}: ${ado} ${command}`));
  if (exitCode === exitCodes.stillRunning) {
    note('Still running; the wait is over, the work goes on.');
    printWaysBack(cli, data.id);
  } else if (kind === 'batch') {
    say('Items', `batch items ${data.id}`);
    say('All on one page', `batch report ${data.id}`);
    if (exitCode === exitCodes.workFailed)
      say('Retry the failed ones', `batch retry ${data.id} --wait`);
  } else {
    if (data.commit !== undefined) say('Diff', `diff ${data.id}`);
    if (exitCode !== exitCodes.ok) {
      say('Steps and checks', `show ${data.id}`);
      say('Logs', `logs ${data.id}`);
    }
    if (exitCode === exitCodes.workFailed) say('Retry', `retry ${data.id} --wait`);
  }
}

/** Says on stderr how to come back to work that goes on, and how to cancel it. */
export function printWaysBack(cli: Cli, id: string): void {
  const { note, notePaint } = cli.terminal;
  const ado = cli.environment.command;
  const isBatch = isBatchId(id);
  const ways: readonly (readonly [string, string])[] = [
    ['Follow', `${isBatch ? 'batch ' : ''}logs -f ${id}`],
    ['Look', `${isBatch ? 'batch ' : ''}show ${id}`],
    ['Cancel', `${isBatch ? 'batch ' : ''}cancel ${id}`],
  ];
  for (const [what, command] of ways) note(notePaint.dim(`${what}: ${ado} ${command}`));
}

async function detach(
  cli: Cli,
  api: ApiClient,
  { watched, format, interrupts }: Waiting,
): Promise<number> {
  cli.terminal.alarm(
    'Detached; the work goes on. Press Ctrl-C again within 2 seconds to cancel it.',
  );
  printWaysBack(cli, watched.id);
  const cancelled = await interrupts.second(secondInterruptMs);
  if (cancelled) {
    await cancel(api, watched.id, 'interrupted twice');
    cli.terminal.alarm(`Cancelling ${watched.id}.`);
  }
  if (format === 'jsonl') {
    const rest = { id: watched.id, detached: true, cancelRequested: cancelled };
    cli.terminal.line(JSON.stringify({ type: 'result', exitCode: exitCodes.interrupted, ...rest }));
  }
  return exitCodes.interrupted;
}

/** Cancels a task or a batch. */
export async function cancel(
  api: ApiClient,
  id: string,
  reason: string | undefined,
): Promise<Subject> {
  const body = reason === undefined ? {} : { reason };
  return isBatchId(id)
    ? {
        kind: 'batch',
        data: await api.call('post /v1/batches/:batchId/cancel', { params: { batchId: id }, body }),
      }
    : {
        kind: 'task',
        data: await api.call('post /v1/tasks/:taskId/cancel', { params: { taskId: id }, body }),
      };
}

/**
 * Does the work of a command whose JSON lines end in a `result`, whatever happens: an error becomes that line and is
 * thrown on; an interrupt before anything was accepted ends the command.
 */
export async function withResult(
  cli: Cli,
  options: { readonly format: OutputFormat; readonly interrupts: Interrupts },
  work: (accepted: () => void) => Promise<number>,
): Promise<number> {
  const { format, interrupts } = options;
  let isAccepted = false;
  const early = new Promise<number>((resolve) => {
    interrupts.first.addEventListener('abort', () => {
      if (isAccepted) return;
      cli.terminal.alarm(
        `Interrupted before an answer came; see ${cli.environment.command} ps for what was accepted.`,
      );
      printFailure(cli, format, { exitCode: exitCodes.interrupted });
      resolve(exitCodes.interrupted);
    });
  });
  try {
    return await Promise.race([work(() => (isAccepted = true)), early]);
  } catch (error) {
    printFailure(cli, format, { exitCode: exitCodeOf(error), error: reportError(error) });
    throw error;
  } finally {
    interrupts.stop();
  }
}

function printFailure(cli: Cli, format: OutputFormat, failure: object): void {
  if (format === 'jsonl') cli.terminal.line(JSON.stringify({ type: 'result', ...failure }));
}

/** A key that makes a submission safe to repeat. */
export function createIdempotencyKey(): string {
  return randomUUID();
}
