/** The drawings of the report's page, as SVG by hand: attributes carry the measures, so that no inline style is needed. */
import type { Task } from '../../contracts/task.schema.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { groupOf, itemGroups, spanOf } from './report.ts';
import type { ItemGroup, Report } from './report.ts';

/** Width of every drawing in its own units; it is stretched to where it stands. */
const width = 1_000;

/** The time that a report covers: from the first item's begin to the end, or to when the report was written. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The span of a report; undefined before any item began. */
export function reportSpan({ items, writtenAt }: Report): Span | undefined {
  const nowMs = Date.parse(writtenAt);
  const spans = items.flatMap(({ task }) => spanOf(task, nowMs) ?? []);
  if (spans.length === 0) return undefined;
  const fromMs = spans.reduce((least, span) => Math.min(least, span.fromMs), Infinity);
  const toMs = spans.reduce((most, span) => Math.max(most, span.toMs), 0);
  return { fromMs, toMs: Math.max(toMs, fromMs + 1) };
}

const fills: Readonly<Record<ItemGroup, string>> = {
  failed: 'bad',
  open: 'open',
  stopped: 'stop',
  succeeded: 'good',
};

/** How many items there are of each group, as one bar. */
export function drawShares(counts: Readonly<Record<ItemGroup, number>>, total: number): Html {
  let x = 0;
  const parts = itemGroups.map((group) => {
    const share = total === 0 ? 0 : (counts[group] / total) * width;
    const part = html`<rect
      class="${fills[group]}"
      x="${round(x)}"
      y="0"
      width="${round(share)}"
      height="12"
    />`;
    x += share;
    return part;
  });
  return html`<svg
    viewBox="0 0 ${width} 12"
    height="12"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    ${parts}
  </svg>`;
}

/** When one item worked, within the whole span. */
export function drawWork(task: Task, whole: Span, nowMs: number): Html {
  const span = spanOf(task, nowMs);
  if (span === undefined) return html``;
  const scale = width / (whole.toMs - whole.fromMs);
  const x = (span.fromMs - whole.fromMs) * scale;
  // What took no time to speak of is seen all the same.
  const long = Math.max(8, (span.toMs - span.fromMs) * scale);
  return html`<svg viewBox="0 0 ${width} 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="rail" x="0" y="4" width="${width}" height="2" />
    <rect
      class="own"
      x="${round(Math.min(x, width - long))}"
      y="1"
      width="${round(long)}"
      height="8"
    />
  </svg>`;
}

/** Points at which the number of working items is taken. */
const samples = 250;

/** How many items worked at once, over time: an area, and the most there were. */
export function drawWorking(
  { items, writtenAt }: Report,
  whole: Span,
): { readonly svg: Html; readonly most: number } {
  const nowMs = Date.parse(writtenAt);
  const scale = samples / (whole.toMs - whole.fromMs);
  // Time worked within each sample, so that short items count by their share.
  const worked = new Array<number>(samples).fill(0);
  for (const { task } of items) {
    const span = spanOf(task, nowMs);
    if (span === undefined) continue;
    const from = (span.fromMs - whole.fromMs) * scale;
    const to = (span.toMs - whole.fromMs) * scale;
    for (let at = Math.floor(from); at < Math.min(samples, to); at += 1)
      worked[at] = (worked[at] ?? 0) + Math.max(0, Math.min(to, at + 1) - Math.max(from, at));
  }
  const most = Math.max(0.001, ...worked);
  const step = width / samples;
  const points = worked.flatMap((count, at) => {
    const y = round(100 - (count / most) * 100);
    return [`${round(at * step)},${y}`, `${round((at + 1) * step)},${y}`];
  });
  const line = ['0,100', ...points, `${width},100`].join(' ');
  const svg = html`<svg
    viewBox="0 0 ${width} 100"
    height="72"
    preserveAspectRatio="none"
    role="img"
    aria-label="items at work over time"
  >
    <polygon class="area" points="${line}" />
  </svg>`;
  return { svg, most };
}

/** A share of the dearest, as a bar. */
export function drawShare(share: number): Html {
  return html`<svg viewBox="0 0 ${width} 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="rail" x="0" y="0" width="${width}" height="8" />
    <rect class="open" x="0" y="0" width="${round(share * width)}" height="8" />
  </svg>`;
}

/** Counts items by group. */
export function countGroups(tasks: readonly Task[]): Record<ItemGroup, number> {
  const counts = { failed: 0, open: 0, stopped: 0, succeeded: 0 };
  for (const task of tasks) counts[groupOf(task)] += 1;
  return counts;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
