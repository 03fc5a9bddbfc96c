/** One item on the report's page: a row that is there from the start, and data that its details are drawn from when opened. */
import { formatMicroUsd } from '../../contracts/money.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { formatBranch, formatHead, isKept } from '../kept-work.ts';
import { readPatch } from '../patch/read-patch.ts';
import type { PatchFile, PatchLine } from '../patch/read-patch.ts';
import { quotePath } from '../reveal.ts';
import { durationOf, findSum, noteOf, placeOf } from '../steps/checks.ts';
import type { Check } from '../steps/checks.ts';
import { toLine } from '../terminal.ts';
import { formatDuration, shortRepository } from '../texts.ts';
import { formatDiffStat, formatFailure } from '../watch/event-lines.ts';
import { drawWork } from './charts.ts';
import type { Span } from './charts.ts';
import { html, toData } from './html.ts';
import type { Html } from './html.ts';
import { failureTitle, groupOf, workTimeOf } from './report.ts';
import type { ItemGroup, ReportItem } from './report.ts';

/** The sign of each group: colours are not the only one. */
export const marks: Readonly<Record<ItemGroup, string>> = {
  failed: '✗',
  open: '…',
  stopped: '‖',
  succeeded: '✓',
};

/** What all items of a page share. */
export interface ItemFrame {
  readonly span: Span | undefined;
  readonly nowMs: number;
}

/** The row of an item, closed. */
export function itemRow({ task }: ReportItem, id: number, { span, nowMs }: ItemFrame): Html {
  const group = groupOf(task);
  const workMs = workTimeOf(task, nowMs);
  const changed = task.diffStat === undefined ? '' : formatDiffStat(task.diffStat);
  return html`<details
    class="item card ${group}"
    id="i${id}"
    data-group="${group}"
    data-kind="${group === 'failed' ? failureTitle(task) : ''}"
    data-cost="${task.costMicroUsd}"
    data-time="${workMs ?? -1}"
    data-size="${(task.diffStat?.insertions ?? 0) + (task.diffStat?.deletions ?? 0)}"
  >
    <summary>
      <span class="mark" aria-hidden="true">${marks[group]}</span
      ><span class="name">${shortRepository(task.repository)}</span
      ><span class="what">${whatOf(task)}</span><span class="num size soft">${changed}</span
      ><span class="num">${workMs === undefined ? '' : formatDuration(workMs)}</span
      ><span class="num">${formatMicroUsd(task.costMicroUsd)}</span
      ><span class="when">${span === undefined ? undefined : drawWork(task, span, nowMs)}</span>
    </summary>
    <div class="body"></div>
  </details> `;
}

/** In a line: where the work is, or why there is none. */
function whatOf(task: Task): string {
  const word = (task.outcome ?? task.status).replaceAll('_', ' ');
  if (task.outcome === 'succeeded')
    return task.commit === undefined ? 'no change' : formatBranch(task);
  if (task.outcome === undefined)
    return [word, task.waitingFor?.detail ?? task.activity ?? ''].filter(Boolean).join(': ');
  const failure = toLine(formatFailure(task), 300);
  return task.outcome === 'failed' && failure !== '' ? failure : `${word}  ${failure}`.trim();
}

/** The data of an item's details. */
export function itemData(item: ReportItem, id: number, command: string): Html {
  const { task, steps, patch, isCut = false } = item;
  const data = {
    facts: factsOf(task, command).filter(([, value]) => value !== undefined && value !== ''),
    error: task.error,
    checks: item.checks.map(toCheck),
    checkSum: findSum(steps) ?? '',
    files: readPatch(patch).map(toFile),
    cut: isCut ? `The change is too long for this page: ${command} diff ${task.id}` : '',
    steps: steps
      .slice(-listedSteps)
      .map((step) => [
        step.status === 'succeeded',
        step.kind,
        toLine(step.summary, 300),
        formatDuration(durationOf(step)),
        step.costMicroUsd === 0 ? '' : formatMicroUsd(step.costMicroUsd),
      ]),
  };
  return html`<script type="application/json" id="d${id}">
    ${toData(data)}
  </script> `;
}

/** Steps of an item that are listed, the last ones; all are in `ado show --steps all`. */
const listedSteps = 200;
/** Findings of a check that are listed. */
const listedFindings = 100;
/** Longest prompt, summary or message that is written out. */
const longestText = 4_000;

function factsOf(task: Task, command: string): readonly (readonly [string, string | undefined])[] {
  const { outcome, failureClass, reason, errorCode } = task;
  return [
    ['task', task.id],
    [
      'status',
      [...new Set([task.status, outcome, failureClass, reason, errorCode])]
        .filter(Boolean)
        .join(' · '),
    ],
    ['repository', task.repository],
    ['base', `${task.baseCommit.slice(0, 12)} ${task.baseRef ?? ''}`.trim()],
    ['branch', formatHead(task)],
    ['to publish', isKept(task) ? `${command} publish ${task.id}` : undefined],
    ['pull request', task.pullRequestUrl],
    ['agent', [task.agent, task.model ?? task.exec].filter(Boolean).join(' · ')],
    ['attempt', task.attempt === 1 ? undefined : String(task.attempt)],
    ['tokens', `${task.inputTokens} in, ${task.outputTokens} out`],
    ['began', task.startedAt],
    ['ended', task.endedAt],
    ['prompt', task.prompt.slice(0, longestText)],
    ['summary', task.summary?.slice(0, longestText)],
  ];
}

function toCheck(check: Check) {
  return {
    gate: check.gate,
    ok: check.ok,
    said: [noteOf(check), formatDuration(check.durationMs)].filter(Boolean).join('  '),
    findings: check.findings
      .slice(0, listedFindings)
      .map((finding) => [
        placeOf(finding),
        finding.code ?? '',
        finding.message.slice(0, longestText),
      ]),
    left: Math.max(0, check.findings.length - listedFindings),
  };
}

function toFile(file: PatchFile) {
  const { path, oldPath, change, isBinary, insertions, deletions } = file;
  const from = oldPath === undefined ? '' : ` from ${quotePath(oldPath)}`;
  return {
    name: quotePath(path),
    note: [change === 'modified' ? '' : change + from, isBinary ? 'binary' : '']
      .filter(Boolean)
      .join(', '),
    ...{ insertions, deletions },
    lines: file.lines.filter(tellsSomething).map(toLinePair),
  };
}

/** The names of a file stand above its lines already, and nobody reads an encoded picture. */
function tellsSomething({ kind, text }: PatchLine): boolean {
  if (kind === 'header')
    return !/^(?:diff --git|index|---|\+\+\+|rename from|rename to) /.test(text);
  return kind !== 'binary';
}

const lineKinds: Readonly<Record<PatchLine['kind'], string>> = {
  header: 'h',
  hunk: '@',
  added: '+',
  removed: '-',
  context: ' ',
  note: '\\',
  binary: 'h',
};

function toLinePair({ kind, text }: PatchLine): [string, string] {
  return [lineKinds[kind], text];
}
