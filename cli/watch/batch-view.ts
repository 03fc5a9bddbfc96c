/** A batch while it runs, as its events tell it; and how that looks on a terminal. Pure: events in, lines out. */
import type { Event, EventBody } from '../../contracts/event.schema.ts';
import type { Outcome } from '../../contracts/task-status.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import { tame, toLine } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { formatDuration, shortRepository } from '../texts.ts';
import { widthOf } from '../table.ts';
import { formatFailure } from './event-lines.ts';

/** An item that works. */
export interface RunningItem {
  readonly repository: string;
  readonly sinceMs: number;
  readonly attempt: number;
  /** What it does right now, if known. */
  activity?: string | undefined;
}

/** An item that has ended. */
export interface EndedItem {
  readonly repository: string;
  readonly outcome: Outcome;
  /** Why, unless it succeeded. */
  readonly why: string;
  readonly costMicroUsd: number;
}

/** What is known of a batch. Items are keyed by the id of their task; a retry takes one back from `ended`. */
export interface BatchView {
  readonly id: string;
  readonly name: string;
  total: number;
  parallel: number;
  startedAtMs: number | undefined;
  readonly running: Map<string, RunningItem>;
  readonly ended: Map<string, EndedItem>;
  /** As the server tells it; undefined until it does. */
  etaAtMs: number | undefined;
  /** What the server counted; the events of running items bring no cost. */
  costMicroUsd: number;
  /** A word to the reader: connection lost. */
  notice: string | undefined;
  /** What a person is asked, and how to answer. */
  question: string | undefined;
}

/** A batch of which nothing has been heard. */
export function createBatchView(batch: {
  readonly id: string;
  readonly name: string;
  readonly parallel: number;
  readonly total: number;
}): BatchView {
  return {
    ...batch,
    startedAtMs: undefined,
    running: new Map(),
    ended: new Map(),
    etaAtMs: undefined,
    costMicroUsd: 0,
    notice: undefined,
    question: undefined,
  };
}

/** Takes an event in. */
export function applyToBatch(view: BatchView, event: Event): void {
  const atMs = Date.parse(event.at);
  if (event.type === 'batch-started') {
    view.total = event.data.total;
    view.parallel = event.data.parallel;
    view.startedAtMs ??= atMs;
  } else if (event.type === 'batch-changed') {
    view.parallel = event.data.parallel ?? view.parallel;
  } else if (event.type === 'item-started') {
    const { taskId, repository, attempt } = event.data;
    view.ended.delete(taskId);
    view.running.set(taskId, { repository, attempt, sinceMs: atMs });
  } else if (event.type === 'approval-requested') {
    showActivity(view, event.data.taskId, `asks: ${event.data.title}`);
  } else if (event.type === 'approval-decided') {
    showActivity(view, event.data.taskId, undefined);
  } else if (event.type === 'item-ended') {
    endItem(view, event.data);
  }
}

function showActivity(view: BatchView, taskId: string, activity: string | undefined): void {
  const item = view.running.get(taskId);
  if (item !== undefined) item.activity = activity;
}

function endItem(view: BatchView, item: EventBody<'item-ended'>): void {
  const { taskId, repository, outcome, costMicroUsd } = item;
  view.running.delete(taskId);
  view.ended.set(taskId, { repository, outcome, costMicroUsd, why: formatFailure(item) });
}

/** The size of the terminal, the time, and its colours. */
export interface Screen {
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
  readonly paint: Paint;
}

const outcomeWords: readonly (readonly [Outcome, string, keyof Paint])[] = [
  ['succeeded', 'ok', 'green'],
  ['failed', 'failed', 'red'],
  ['cancelled', 'cancelled', 'yellow'],
  ['skipped_budget', 'over budget', 'yellow'],
  ['skipped_unchanged', 'unchanged', 'dim'],
  ['skipped_optout', 'opted out', 'dim'],
];

/** Draws a batch: title, bar with counts, time and cost, failures first, then the newest running items. */
export function drawBatch(view: BatchView, screen: Screen): string[] {
  const { paint, width } = screen;
  const title = toLine(`${view.name}  ${view.id}  ${view.parallel} at once`, width);
  const head = [paint.bold(title), ...drawBar(view, screen)];
  const foot = [
    paint.dim(toLine(view.notice ?? view.question ?? 'Ctrl-C detaches; the batch goes on', width)),
  ];
  // One line stays free, so that the cursor below the table does not scroll it.
  const room = Math.max(0, screen.height - head.length - foot.length - 1);
  return [...head, ...drawItems(view, screen, room), ...foot];
}

function drawBar(view: BatchView, { width, nowMs, paint }: Screen): string[] {
  const done = view.ended.size;
  const counts = outcomeWords
    .map(([outcome, word, color]) => ({ count: countEnded(view, outcome), word, color }))
    .filter(({ count }) => count > 0)
    .map(({ count, word, color }) => paint[color](`${count} ${word}`));
  const queued = Math.max(0, view.total - done - view.running.size);
  const facts = [
    ...counts,
    ...(view.running.size > 0 ? [paint.cyan(`${view.running.size} running`)] : []),
    ...(queued > 0 ? [paint.dim(`${queued} queued`)] : []),
    ...timesOf(view, nowMs),
    formatMicroUsd(Math.max(view.costMicroUsd, endedCost(view))),
  ];
  const share = view.total === 0 ? 0 : done / view.total;
  const label = ` ${done}/${view.total}`;
  const barWidth = Math.max(0, Math.min(40, width - label.length));
  const filled = Math.round(share * barWidth);
  const bar = `${paint.green('█'.repeat(filled))}${paint.dim('░'.repeat(barWidth - filled))}${label}`;
  return [bar, ...wrap(facts, ' · ', width)];
}

function timesOf(view: BatchView, nowMs: number): string[] {
  const elapsed = view.startedAtMs === undefined ? [] : [formatDuration(nowMs - view.startedAtMs)];
  const leftMs = view.etaAtMs === undefined ? 0 : view.etaAtMs - nowMs;
  return leftMs > 0 ? [...elapsed, `about ${formatDuration(leftMs)} left`] : elapsed;
}

function endedCost(view: BatchView): number {
  return [...view.ended.values()].reduce((sum, item) => sum + item.costMicroUsd, 0);
}

function countEnded(view: BatchView, outcome: Outcome): number {
  return [...view.ended.values()].filter((item) => item.outcome === outcome).length;
}

/** Joins facts to lines that fit. */
function wrap(facts: readonly string[], between: string, width: number): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const last = lines.at(-1);
    const joined = last === undefined ? fact : `${last}${between}${fact}`;
    if (last !== undefined && widthOf(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(widthOf(fact) <= width ? fact : toLine(fact, width));
  }
  return lines;
}

function drawItems(view: BatchView, screen: Screen, room: number): string[] {
  const failures = [...view.ended.values()].filter((item) => item.outcome === 'failed').reverse();
  const running = [...view.running.values()].reverse();
  if (room < 1 || failures.length + running.length === 0) return [];
  // Failures may take what running items leave, and at least half; a cut list ends in a line that says so.
  const failureRoom = Math.min(
    failures.length,
    Math.max(Math.floor(room / 2), room - running.length),
  );
  const runningRoom = room - failureRoom;
  return [
    ...cut(failures, failureRoom, 'failed').map((item) => drawFailure(item, screen)),
    ...cut(running, runningRoom, 'running').map((item) => drawRunning(item, screen)),
  ];
}

type Row<T> = T | { readonly rest: string };

function cut<T extends object>(items: readonly T[], room: number, word: string): Row<T>[] {
  if (items.length <= room) return [...items];
  if (room < 1) return [];
  return [...items.slice(0, room - 1), { rest: `… and ${items.length - room + 1} more ${word}` }];
}

function drawFailure(item: Row<EndedItem>, screen: Screen): string {
  if ('rest' in item) return screen.paint.dim(`  ${toLine(item.rest, screen.width - 2)}`);
  return drawRow({ mark: '✗', color: 'red', repository: item.repository, text: item.why }, screen);
}

function drawRunning(item: Row<RunningItem>, screen: Screen): string {
  if ('rest' in item) return screen.paint.dim(`  ${toLine(item.rest, screen.width - 2)}`);
  const attempt = item.attempt === 1 ? [] : [`attempt ${item.attempt}`];
  const text = [
    formatDuration(screen.nowMs - item.sinceMs).padStart(6),
    ...attempt,
    item.activity ?? '',
  ].join('  ');
  return drawRow({ mark: '●', color: 'cyan', repository: item.repository, text }, screen);
}

interface RowParts {
  readonly mark: string;
  readonly color: keyof Paint;
  readonly repository: string;
  readonly text: string;
}

function drawRow(row: RowParts, { width, paint }: Screen): string {
  const nameWidth = Math.max(8, Math.min(36, Math.floor(width * 0.4)));
  const name = toName(row.repository, nameWidth).padEnd(nameWidth);
  const line = toLineKeepingSpaces(`${name}  ${row.text}`, width - 2);
  return `${paint[row.color](row.mark)} ${line}`;
}

/** A repository's short name; when it is too long its end, in which names of one kind differ. */
function toName(repository: string, width: number): string {
  const name = Array.from(toLine(shortRepository(repository), 500));
  return name.length <= width ? name.join('') : `…${name.slice(1 - width).join('')}`;
}

function toLineKeepingSpaces(text: string, width: number): string {
  const characters = Array.from(tame(text).replace(/[\n\t]+/g, ' '));
  const shown =
    characters.length <= width ? characters : [...characters.slice(0, Math.max(0, width - 1)), '…'];
  return shown.join('').trimEnd();
}
