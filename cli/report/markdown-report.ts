/**
 * The report of a batch as Markdown, for pull requests and chats. Text of others stands in code spans only: there nothing
 * is a link, a picture, a mention or HTML.
 */
import { formatMicroUsd } from '../../contracts/money.ts';
import { formatBranch } from '../kept-work.ts';
import { reveal } from '../reveal.ts';
import { placeOf } from '../steps/checks.ts';
import { toLine } from '../terminal.ts';
import { countOf, formatDuration, formatSpent, shortRepository } from '../texts.ts';
import { formatDiffStat, formatFailure } from '../watch/event-lines.ts';
import { countGroups, reportSpan } from './charts.ts';
import { marks } from './html-item.ts';
import { failuresFirst, groupOf, itemGroups, listFailureKinds, workTimeOf } from './report.ts';
import type { Report, ReportItem } from './report.ts';

/** Items that are written out; hosts cut off what is longer. */
const listedItems = 500;
/** Findings of an item that are written out. */
const listedFindings = 5;

/** Writes the report. */
export function writeMarkdownReport(report: Report): string {
  const { batch } = report;
  const nowMs = Date.parse(report.writtenAt);
  const items = failuresFirst(report.items);
  const counts = countGroups(items.map((item) => item.task));
  const span = reportSpan(report);
  const facts = [
    `${batch.status}${batch.result === undefined ? '' : `, ${batch.result}`}`,
    ...itemGroups.filter((group) => counts[group] > 0).map((group) => `${counts[group]} ${group}`),
    formatSpent(batch),
    ...(span === undefined ? [] : [formatDuration(span.toMs - span.fromMs)]),
  ];
  const left = items.length - listedItems;
  return [
    `# ${code(batch.name)}`,
    '',
    `${facts.join(' · ')}  `,
    code(batch.id),
    '',
    ...failureLines(items),
    ...modelLines(report),
    `## ${countOf(items.length, 'item')}`,
    '',
    ...table(
      ['', 'repository', 'result', 'changed', 'time', 'cost'],
      items.slice(0, listedItems).map((item) => itemCells(item, nowMs)),
    ),
    ...(left > 0 ? ['', `… and ${left} more.`] : []),
    ...items.slice(0, listedItems).flatMap(findingLines),
    '',
  ].join('\n');
}

function failureLines(items: readonly ReportItem[]): string[] {
  const kinds = listFailureKinds(items);
  if (kinds.length === 0) return [];
  const rows = kinds.map(({ title, count, example }) => [String(count), title, code(example)]);
  return ['## Failures', '', ...table(['items', 'kind', 'such as'], rows), ''];
}

function modelLines({ models }: Report): string[] {
  if (models.length === 0) return [];
  const rows = models.map((row) => [
    code(row.model),
    ...[row.calls, row.inputTokens, row.outputTokens].map(String),
    formatMicroUsd(row.costMicroUsd),
  ]);
  const heading = ['model', 'calls', 'tokens in', 'tokens out', 'cost'];
  return ['## Costs by model', '', ...table(heading, rows), ''];
}

function itemCells({ task }: ReportItem, nowMs: number): string[] {
  const workMs = workTimeOf(task, nowMs);
  const word = task.outcome ?? task.status;
  const failure = formatFailure(task);
  const branch = task.commit === undefined ? 'no change' : code(formatBranch(task));
  return [
    marks[groupOf(task)],
    code(shortRepository(task.repository)),
    word === 'succeeded'
      ? branch
      : `${word.replaceAll('_', ' ')} ${failure === '' ? '' : code(failure)}`,
    task.diffStat === undefined ? '' : formatDiffStat(task.diffStat),
    workMs === undefined ? '' : formatDuration(workMs),
    formatMicroUsd(task.costMicroUsd),
  ];
}

function findingLines({ task, checks }: ReportItem): string[] {
  const failed = checks.filter((check) => !check.ok && check.findings.length > 0);
  if (failed.length === 0 || groupOf(task) === 'succeeded') return [];
  return [
    '',
    `### ${code(shortRepository(task.repository))}`,
    '',
    ...failed.flatMap(({ gate, findings }) => [
      `- ${code(gate)}: ${countOf(findings.length, 'finding')}`,
      ...findings
        .slice(0, listedFindings)
        .map((finding) => `  - ${code(`${placeOf(finding)} ${finding.message}`.trim())}`),
    ]),
  ];
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)];
}

/** Most characters of a text of others. */
const longestText = 300;

/**
 * A code span: its fence is longer than any run of backticks in it. A pipe would end a cell even there, and its escape
 * would show outside of tables, so that a likeness of it is written.
 */
function code(text: string): string {
  const line = reveal(toLine(text, longestText)).replaceAll('|', '¦');
  if (line === '') return '';
  const longest = Math.max(0, ...Array.from(line.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const pad = longest > 0 ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}
