/** What is shown while a command waits: a live table on a terminal, a line a change in a pipe, events as JSON lines. */
import type { Event } from '../../contracts/event.schema.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { isBatchId } from '../follow.ts';
import type { OutputFormat } from '../output.ts';
import { applyToBatch, createBatchView, drawBatch } from './batch-view.ts';
import type { BatchView } from './batch-view.ts';
import { formatEvent } from './event-lines.ts';
import { applyToTask, createTaskView, drawTask } from './task-view.ts';

/** Something that events are shown on. */
export interface Display {
  readonly event: (event: Event) => void;
  /** The connection was lost, or is back. */
  readonly connection: (state: 'lost' | 'back', error?: unknown) => void;
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
      return terminal.stdout.isTTY === true
        ? openTable(cli, api, how.watched)
        : openLines(cli, how.watched);
  }
}

function notes({ terminal }: Cli): Pick<Display, 'connection'> {
  return { connection: (state, error) => terminal.note(connectionNote(state, error)) };
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
        screen.redraw();
      },
      connection: (state, error) =>
        (view.notice = state === 'back' ? undefined : connectionNote(state, error)),
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
      screen.redraw();
    },
    connection: (state, error) =>
      (view.notice = state === 'back' ? undefined : connectionNote(state, error)),
    close: () => {
      clearInterval(timer);
      screen.close();
    },
  };
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
