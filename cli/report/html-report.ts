/**
 * The report of a batch as one page that opens from disk: nothing is loaded, and the page's own policy forbids it. Only the
 * style and the script of this page run; every text is escaped, or written by the script as text.
 */
import { createHash } from 'node:crypto';
import { formatMicroUsd } from '../../contracts/money.ts';
import { toLine } from '../terminal.ts';
import { countOf, formatDuration, shortRepository } from '../texts.ts';
import { countGroups, drawShare, drawShares, drawWorking, reportSpan } from './charts.ts';
import type { Span } from './charts.ts';
import { html, trusted } from './html.ts';
import type { Html } from './html.ts';
import { itemData, itemRow, marks } from './html-item.ts';
import { pageScript } from './page-script.ts';
import { pageStyle } from './page-style.ts';
import { failuresFirst, groupOf, itemGroups, listFailureKinds, sumItems } from './report.ts';
import type { ItemGroup, Report, ReportItem } from './report.ts';

/** By this line a page is known for a report of ours, which a later one may take the place of. */
export const reportMark = '<meta name="generator" content="ado batch report" />';

/** What of changes is on a page: a browser must open it. */
export const pagePatchBudget = { item: 200_000, all: 30_000_000 };

const groupNames: Readonly<Record<ItemGroup, string>> = {
  failed: 'failed',
  open: 'not ended',
  stopped: 'cancelled or skipped',
  succeeded: 'succeeded',
};

/** Writes the page. `command` is how ado is called, for what the page leaves out. */
export function writeHtmlReport(report: Report, command: string): string {
  const { batch } = report;
  const nowMs = Date.parse(report.writtenAt);
  const items = failuresFirst(report.items);
  const span = reportSpan(report);
  const rows = items.map((item, id) => itemRow(item, id, { span, nowMs }));
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src '${hashOf(pageStyle)}'; script-src '${hashOf(pageScript)}'; base-uri 'none'; form-action 'none'"
        />
        <meta name="referrer" content="no-referrer" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${trusted(reportMark)}
        <title>${toLine(batch.name, 100)} – ado</title>
        ${element('style', pageStyle)}
      </head>
      <body>
        ${head(report)}
        <main>
          ${tiles(report)} ${timeline(report, span)} ${failures(items)} ${models(report)}
          ${grid(items)} ${filters(items)}
          <noscript
            ><p class="soft">
              Filters and the details of items need scripts; the page runs its own one only.
            </p></noscript
          >
          <div id="items">${rows}</div>
        </main>
        <footer class="soft">
          Written by ado at ${toInstant(nowMs)}. This page loads nothing and sends nothing.
        </footer>
        ${items.map((item, id) => itemData(item, id, command))} ${element('script', pageScript)}
      </body>
    </html> `;
  return page.html;
}

/** A style or script as its hash says: with nothing around it, not even a line end. */
function element(name: 'style' | 'script', content: string): Html {
  return trusted(`<${name}>${content}</${name}>`);
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function head({ batch }: Report): Html {
  const state =
    batch.status === 'succeeded' || batch.status === 'failed'
      ? batch.status
      : batch.status === 'cancelled'
        ? 'stopped'
        : 'open';
  const verdict = batch.result === 'partial' ? 'partial' : batch.status;
  return html`<header>
    <h1>${batch.name} <span class="badge ${state}">${verdict}</span></h1>
    <div class="soft">
      <code>${batch.id}</code> · ${batch.agent} · ${batch.parallel} at
      once${batch.round === 1 ? '' : ` · round ${batch.round}`} ·
      ${toInstant(Date.parse(batch.createdAt))}
    </div>
    <div class="card prompt">${batch.prompt}</div>
  </header>`;
}

function tiles(report: Report): Html {
  const { batch, items } = report;
  const nowMs = Date.parse(report.writtenAt);
  const sums = sumItems(items, nowMs);
  const counts = countGroups(items.map((item) => item.task));
  const span = reportSpan(report);
  const facts: readonly (readonly [string, string])[] = [
    [String(items.length), 'items'],
    ...itemGroups
      .filter((group) => counts[group] > 0)
      .map((group) => [String(counts[group]), groupNames[group]] as const),
    [
      formatMicroUsd(batch.costMicroUsd),
      batch.maxCostMicroUsd === undefined ? 'cost' : `of ${formatMicroUsd(batch.maxCostMicroUsd)}`,
    ],
    [`${shorten(batch.inputTokens)} / ${shorten(batch.outputTokens)}`, 'tokens in / out'],
    [span === undefined ? '–' : formatDuration(span.toMs - span.fromMs), 'from first to last'],
    [formatDuration(sums.workMs), 'of work, one after the other'],
    [
      `+${sums.insertions} −${sums.deletions}`,
      `in ${countOf(sums.files, 'file')} of ${countOf(sums.changed, 'item')}`,
    ],
  ];
  return html`<ul class="tiles">
    ${facts.map(([figure, name]) => html`<li class="card"><b>${figure}</b><span class="soft">${name}</span></li>`)}
  </ul>`;
}

/** `1.2M`, `45k`: a figure that fits its tile. */
function shorten(count: number): string {
  if (count < 10_000) return String(count);
  return count < 1_000_000 ? `${Math.round(count / 1_000)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

function timeline(report: Report, span: Span | undefined): Html {
  const counts = countGroups(report.items.map((item) => item.task));
  const shares = drawShares(counts, report.items.length);
  if (span === undefined) return html`<div class="card chart">${shares}</div>`;
  const { svg, most } = drawWorking(report, span);
  return html`<div class="card chart">${shares}</div>
    <h2>Items at work</h2>
    <div class="card chart">
      ${svg}
      <div class="axis soft">
        <span>${toInstant(span.fromMs)}</span
        ><span>up to ${Math.round(most * 10) / 10} at once</span
        ><span>${toInstant(span.toMs)}</span>
      </div>
    </div>`;
}

function toInstant(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' UTC');
}

function failures(items: readonly ReportItem[]): Html {
  const kinds = listFailureKinds(items);
  if (kinds.length === 0) return html``;
  const rows = kinds.map(
    ({ title, count, example }) =>
      html`<tr>
        <td class="num">${count}</td>
        <td>
          <button type="button" data-search="${title}">${title}</button>
        </td>
        <td>${toLine(example, 300)}</td>
      </tr>`,
  );
  return html`<h2>Failures</h2>
    <div class="card scroll">
      <table>
        <tr>
          <th class="num">items</th>
          <th>kind</th>
          <th>such as</th>
        </tr>
        ${rows}
      </table>
    </div>`;
}

function models({ models: costs }: Report): Html {
  if (costs.length === 0) return html``;
  const dearest = Math.max(1, ...costs.map((row) => row.costMicroUsd));
  const rows = costs.map(
    (row) =>
      html`<tr>
        <td class="mono">${row.model}</td>
        <td class="num">${row.calls}</td>
        <td class="num">${row.inputTokens}</td>
        <td class="num">${row.outputTokens}</td>
        <td class="num">${formatMicroUsd(row.costMicroUsd)}</td>
        <td>${drawShare(row.costMicroUsd / dearest)}</td>
      </tr>`,
  );
  return html`<h2>Costs by model</h2>
    <div class="card scroll">
      <table>
        <tr>
          <th>model</th>
          <th class="num">calls</th>
          <th class="num">tokens in</th>
          <th class="num">tokens out</th>
          <th class="num">cost</th>
          <th></th>
        </tr>
        ${rows}
      </table>
    </div>`;
}

function grid(items: readonly ReportItem[]): Html {
  const cells = items.map(({ task }, id) => {
    const group = groupOf(task);
    const title = `${marks[group]} ${shortRepository(task.repository)}: ${task.outcome ?? task.status}`;
    return html`<a class="${group}" href="#i${id}" title="${title}">${marks[group]}</a>`;
  });
  return html`<h2>Items</h2>
    <nav class="card grid" aria-label="items">${cells}</nav>`;
}

function filters(items: readonly ReportItem[]): Html {
  const counts = countGroups(items.map((item) => item.task));
  const buttons = itemGroups
    .filter((group) => counts[group] > 0)
    .map(
      (group) =>
        html`<button type="button" data-group="${group}" aria-pressed="false">
          ${groupNames[group]} ${counts[group]}
        </button>`,
    );
  return html`<div class="bar" id="bar" hidden>
    <button type="button" data-group="all" aria-pressed="true">all ${items.length}</button
    >${buttons}
    <input
      id="search"
      type="search"
      placeholder="Repository, branch, error …"
      aria-label="search"
    />
    <select id="order" aria-label="order">
      <option value="failures">failures first</option>
      <option value="cost">dearest first</option>
      <option value="time">slowest first</option>
      <option value="size">largest change first</option>
    </select>
    <span class="soft" id="found" role="status"></span>
  </div>`;
}
