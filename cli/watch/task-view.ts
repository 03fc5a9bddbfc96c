/** A task while it runs, as its events tell it; and how that looks on a terminal. Pure: events in, lines out. */
import type { Event } from '../../contracts/event.schema.ts';
import { tame, toLine } from '../terminal.ts';
import { formatDuration } from '../texts.ts';
import type { Screen } from './batch-view.ts';
import { formatEvent } from './event-lines.ts';

/** What is known of a task. */
export interface TaskView {
  readonly id: string;
  readonly title: string;
  startedAtMs: number | undefined;
  /** What has happened, oldest first; as many as a screen may show. */
  readonly past: Event[];
  /** The step under way. */
  step: { readonly summary: string; readonly sinceMs: number } | undefined;
  /** The last line that a program or model wrote. */
  lastOutput: string;
  notice: string | undefined;
  /** What a person is asked, and how to answer. */
  question: string | undefined;
}

const keptEvents = 200;

/** A task of which nothing has been heard. */
export function createTaskView(task: { readonly id: string; readonly title: string }): TaskView {
  return {
    ...task,
    startedAtMs: undefined,
    past: [],
    step: undefined,
    lastOutput: '',
    notice: undefined,
    question: undefined,
  };
}

/** Takes an event in. */
export function applyToTask(view: TaskView, event: Event): void {
  if (event.type === 'output') {
    view.lastOutput = tame(event.data.text).trimEnd().split('\n').at(-1) ?? view.lastOutput;
    return;
  }
  if (event.type === 'step-started') {
    view.step = {
      summary: `${event.data.kind}: ${event.data.summary}`,
      sinceMs: Date.parse(event.at),
    };
    return;
  }
  if (event.type === 'task-started') view.startedAtMs = Date.parse(event.at);
  if (event.type === 'step-finished' || event.type === 'task-ended') {
    view.step = undefined;
    view.lastOutput = '';
  }
  view.past.push(event);
  if (view.past.length > keptEvents) view.past.shift();
}

/** Draws a task: title, what has happened, the step under way, the last line of output. */
export function drawTask(view: TaskView, screen: Screen): string[] {
  const { paint, width, nowMs } = screen;
  const elapsed =
    view.startedAtMs === undefined ? 'waiting' : formatDuration(nowMs - view.startedAtMs);
  const head = [paint.bold(toLine(`${view.title}  ${view.id}  ${elapsed}`, width))];
  const now =
    view.step === undefined
      ? []
      : [
          `${paint.cyan('●')} ${toLine(`${view.step.summary}  ${formatDuration(nowMs - view.step.sinceMs)}`, width - 2)}`,
        ];
  const output =
    view.lastOutput === '' ? [] : [paint.dim(`  ${toLine(view.lastOutput, width - 2)}`)];
  const foot = [
    paint.dim(toLine(view.notice ?? view.question ?? 'Ctrl-C detaches; the task goes on', width)),
  ];
  const room = Math.max(
    0,
    screen.height - head.length - now.length - output.length - foot.length - 1,
  );
  const past = room === 0 ? [] : view.past.slice(-room).map((event) => drawPast(event, screen));
  return [...head, ...past, ...now, ...output, ...foot];
}

function drawPast(event: Event, { paint, width }: Screen): string {
  const plain = formatEvent(event, plainPaint) ?? '';
  const painted = formatEvent(event, paint) ?? '';
  return Array.from(plain).length <= width ? painted : toLine(plain, width);
}

const same = (text: string): string => text;
const plainPaint = { red: same, green: same, yellow: same, cyan: same, dim: same, bold: same };
