/** What is shown while a command waits: a live table on a terminal, a line a change in a pipe, events as JSON lines. */
import type { Event, EventBody } from '../../contracts/event.schema.ts';
import { shortId } from '../../contracts/names.ts';
import { wayToLook, waysToAnswer } from '../approvals.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { isBatchId } from '../follow.ts';
import type { OutputFormat } from '../output.ts';
import { formatTimeLeft } from '../texts.ts';
import { applyToBatch, createBatchView, drawBatch } from './batch-view.ts';
import type { BatchView } from './batch-view.ts';
import { formatEvent } from './event-lines.ts';
import { applyToTask, createTaskView, drawTask } from './task-view.ts';

/** Something that events are shown on. */
export interface Display {
  readonly event: (event: Event) => void;
  /** The connection was lost, or is back. */
  readonly connection: (state: 'lost' | 'back', error?: unknown) => void;
  /** Tells people something that stays, on stderr. */
  readonly note: (text: string) => void;
  /** Takes away what is only for the time of waiting. */
  readonly close: () => void;
}

/** What is waited for. */
export interface Watched {
  readonly id: string;
  readonly title: string;
  /** Of a batch. */
  readonly parallel: number;
  readonly total: number;
}

/** Opens the display that fits format and terminal. */
export async function openDisplay(
  cli: Cli,
  api: ApiClient,
  how: { readonly watched: Watched; readonly format: OutputFormat },
): Promise<Display> {
  const { terminal, options } = cli;
  if (how.format === 'text' && !options.quiet && terminal.stdout.isTTY === true)
    return openTable(cli, api, how.watched);
  const display = openPlainDisplay(cli, how);
  return {
    ...display,
    event: (event) => {
      display.event(event);
      if (event.type === 'approval-requested') terminal.note(questionNote(cli, event.data));
    },
  };
}

/** Says that somebody is asked, and how to answer. */
function questionNote(cli: Cli, asked: EventBody<'approval-requested'>): string {
  const { command } = cli.environment;
  const ways = waysToAnswer(command, shortId(asked.approvalId)).map(([, way]) => way);
  const left = formatTimeLeft(asked.deadlineAt, Date.now());
  const look = wayToLook(command, asked);
  const seen = look === undefined ? '' : ` See the work with ${look}.`;
  return `Asks: ${asked.title}${seen} Answer with ${ways.join(' or ')} (${left}: ${asked.defaultDecision}).`;
}

function openPlainDisplay(
  cli: Cli,
  how: { readonly watched: Watched; readonly format: OutputFormat },
): Display {
  const { terminal, options } = cli;
  switch (how.format) {
    case 'jsonl':
      return {
        ...notes(cli),
        event: (event) => terminal.line(JSON.stringify(event)),
        close: () => undefined,
      };
    case 'json':
    case 'yaml':
    case 'name':
      return { ...notes(cli), event: () => undefined, close: () => undefined };
    case 'text':
      if (options.quiet) return { ...notes(cli), event: () => undefined, close: () => undefined };
      return openLines(cli, how.watched);
  }
}

function notes({ terminal }: Cli): Pick<Display, 'connection' | 'note'> {
  return {
    connection: (state, error) => terminal.note(connectionNote(state, error)),
    note: terminal.note,
  };
}

function connectionNote(state: 'lost' | 'back', error: unknown): string {
  if (state === 'back') return 'Connected again.';
  return `Connection lost${error instanceof Error ? `: ${error.message}` : ''} Trying again; the work goes on.`;
}

function openLines(cli: Cli, watched: Watched): Display {
  const { terminal } = cli;
  const width = String(watched.total).length;
  let ended = 0;
  return {
    ...notes(cli),
    event: (event) => {
      const line = formatEvent(event, terminal.paint);
      if (line === undefined || event.type === 'step-started') return;
      if (event.type === 'item-ended') ended += 1;
      const count = isBatchId(watched.id)
        ? `${String(ended).padStart(width)}/${watched.total}  `
        : '';
      terminal.line(`${terminal.paint.dim(event.at.slice(11, 19))}  ${count}${line}`);
    },
    close: () => undefined,
  };
}

/** How often the server is asked for what events do not bring: cost and ETA so far, what the items are at. */
const askIntervalMs = 1_000;

async function openTable(cli: Cli, api: ApiClient, watched: Watched): Promise<Display> {
  const { openLiveScreen } = await import('./live-screen.ts');
  if (!isBatchId(watched.id)) {
    const view = createTaskView(watched);
    const screen = openLiveScreen(cli.terminal, (size) => drawTask(view, size));
    return {
      event: (event) => {
        applyToTask(view, event);
        noteQuestion(cli, view, event);
        screen.redraw();
      },
      connection: (state, error) =>
        (view.notice = state === 'back' ? undefined : connectionNote(state, error)),
      note: (text) => screen.above(() => cli.terminal.note(text)),
      close: screen.close,
    };
  }
  const view = createBatchView({
    id: watched.id,
    name: watched.title,
    parallel: watched.parallel,
    total: watched.total,
  });
  const screen = openLiveScreen(cli.terminal, (size) => drawBatch(view, size));
  const timer = setInterval(
    () => void askAbout(view, api).catch(() => undefined),
    askIntervalMs,
  ).unref();
  return {
    event: (event) => {
      applyToBatch(view, event);
      noteQuestion(cli, view, event);
      screen.redraw();
    },
    connection: (state, error) =>
      (view.notice = state === 'back' ? undefined : connectionNote(state, error)),
    note: (text) => screen.above(() => cli.terminal.note(text)),
    close: () => {
      clearInterval(timer);
      screen.close();
    },
  };
}

/** Keeps the newest question in the foot of a table until it is answered. */
function noteQuestion(cli: Cli, view: { question: string | undefined }, event: Event): void {
  if (event.type === 'approval-requested') view.question = questionNote(cli, event.data);
  else if (event.type === 'approval-decided') view.question = undefined;
}

/** More running items than a screen shows need no activity. */
const askedItems = 60;

async function askAbout(view: BatchView, api: ApiClient): Promise<void> {
  const params = { batchId: view.id };
  const [batch, running] = await Promise.all([
    api.call('get /v1/batches/:batchId', { params }),
    api.call('get /v1/batches/:batchId/items', {
      params,
      query: { status: 'running', limit: askedItems },
    }),
  ]);
  view.costMicroUsd = batch.costMicroUsd;
  view.etaAtMs = batch.etaAt === undefined ? undefined : Date.parse(batch.etaAt);
  for (const task of running.items) {
    const item = view.running.get(task.id);
    if (item !== undefined) item.activity = task.activity;
  }
}
