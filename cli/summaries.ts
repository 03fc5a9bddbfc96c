/** Tasks and batches as people read them. */
import type { Batch } from '../contracts/batch.schema.ts';
import type { GateProfile, Task } from '../contracts/task.schema.ts';
import { shortId } from '../contracts/names.ts';
import { formatMicroUsd } from '../contracts/money.ts';
import { formatBranch, formatHead } from './kept-work.ts';
import { listedItems } from './summarised-items.ts';
import type { SummarisedItems } from './summarised-items.ts';
import { formatFacts, formatTable } from './table.ts';
import { toLine } from './terminal.ts';
import type { Paint } from './terminal.ts';
import { formatAge, formatDuration, formatSpent, paintWord, shortRepository } from './texts.ts';
import { formatDiffStat, formatFailure } from './watch/event-lines.ts';

/** A whole task. */
export function formatTask(task: Task, paint: Paint): string {
  const end = task.outcome ?? task.status;
  const failed = task.outcome !== undefined && task.outcome !== 'succeeded';
  return formatFacts(paint, [
    ['task', task.id],
    ['status', paintWord(paint, end) + waitingOf(task)],
    ['why', failed ? orNothing(formatFailure(task)) : undefined],
    ['repository', task.repository],
    [
      'base',
      `${task.baseCommit.slice(0, 12)}${task.baseRef === undefined ? '' : ` (${task.baseRef})`}`,
    ],
    ['branch', formatHead(task)],
    ['pull request', task.pullRequestUrl],
    ['changed', task.diffStat === undefined ? undefined : formatDiffStat(task.diffStat)],
    [
      'agent',
      [task.agent, task.model ?? task.exec].filter((word) => word !== undefined).join('  '),
    ],
    ['setup', task.setup === undefined ? undefined : toLine(task.setup, 200)],
    ['gates', orNothing(checksOf(task.gates, task.gateProfile))],
    ['network', orNothing(task.allowHosts.join(', '))],
    ['delivery', deliveryOf(task)],
    ['batch', task.batchId],
    ['attempt', task.attempt === 1 ? undefined : String(task.attempt)],
    ['activity', task.activity],
    [
      'cost',
      `${task.attempt === 1 ? formatSpent(task) : formatMicroUsd(task.costMicroUsd)}  ${task.inputTokens} tokens in, ${task.outputTokens} out`,
    ],
    ['time', timeOf(task)],
    ['result of', task.sourceTaskId],
    ['prompt', toLine(task.prompt, 200)],
    ['summary', task.summary],
  ]);
}

/** What work has to pass: the gates that were named, and the profile of those that are found. */
export function checksOf(
  gates: readonly { readonly name: string }[],
  profile: GateProfile,
): string {
  const found = profile === 'none' ? [] : [`what the repository has (${profile})`];
  return [...gates.map((gate) => gate.name), ...found].join(', ');
}

function waitingOf(task: Task): string {
  if (task.waitingFor === undefined) return '';
  const { reason, until, detail } = task.waitingFor;
  const isSoon = until === undefined || Date.parse(until) <= Date.now();
  return `, waiting for ${waits[reason]}${detail === undefined ? '' : ` (${detail})`}${isSoon ? '' : ` until ${until}`}`;
}

/** How the work reaches its repository; nothing for a branch, which has a line of its own. */
function deliveryOf({ delivery: { mode, target } }: Task): string | undefined {
  switch (mode) {
    case 'branch':
      return undefined;
    case 'patch':
      return 'a patch';
    case 'merge':
      return `merged into ${target ?? 'the default branch'}`;
    case 'pull-request':
      return `a pull request for ${target ?? 'the default branch'}`;
  }
}

const waits: Readonly<Record<NonNullable<Task['waitingFor']>['reason'], string>> = {
  slot: 'a slot',
  retry: 'its next try',
  limit: 'a limit of its model',
  provider: 'the provider of its model',
  window: 'a quota of its model',
  budget: 'money',
  approval: 'an approval',
};

function timeOf(span: {
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
}): string | undefined {
  if (span.startedAt === undefined) return undefined;
  const endMs = span.endedAt === undefined ? Date.now() : Date.parse(span.endedAt);
  return formatDuration(endMs - Date.parse(span.startedAt));
}

function orNothing(text: string): string | undefined {
  return text === '' ? undefined : text;
}

/** A whole batch; its items are told apart. */
export function formatBatch(batch: Batch, paint: Paint): string {
  const { byStatus, byOutcome, byFailureClass, total } = batch.counts;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([word, count]) => `${count} ${word.replaceAll('_', ' ')}`)
      .join(', ');
  return formatFacts(paint, [
    ['batch', batch.id],
    ['name', batch.name],
    [
      'status',
      paintWord(paint, batch.status) + (batch.result === undefined ? '' : `, ${batch.result}`),
    ],
    ['items', `${total}: ${list(byStatus)}`],
    ['outcomes', orNothing(list(byOutcome))],
    ['failures', orNothing(list(byFailureClass))],
    ['at once', String(batch.parallel)],
    ['round', batch.round === 1 ? undefined : String(batch.round)],
    [
      'cost',
      `${batch.round === 1 ? formatSpent(batch) : formatMicroUsd(batch.costMicroUsd)}  ${batch.inputTokens} tokens in, ${batch.outputTokens} out`,
    ],
    ['time', timeOf(batch)],
    ['ends about', batch.endedAt === undefined ? batch.etaAt : undefined],
    ['prompt', toLine(batch.prompt, 200)],
  ]);
}

/** The failures of a batch, each with its error, and the branches of what succeeded. */
export function formatItems(
  items: SummarisedItems,
  counts: Batch['counts'],
  paint: Paint,
): string[] {
  const failures = items.failed
    .slice(0, listedItems)
    .map(
      (task) =>
        `${paint.red('✗')} ${shortRepository(task.repository)}  ${shortId(task.id)}  ${toLine(formatFailure(task), 300)}`,
    );
  const branches = items.succeeded
    .filter((task) => task.commit !== undefined)
    .slice(0, listedItems)
    .map(
      (task) => `${paint.green('✓')} ${shortRepository(task.repository)}  ${formatBranch(task)}`,
    );
  const { succeeded, failed } = counts.byOutcome;
  const more = (count: number, word: string): string[] =>
    count > 0 ? [paint.dim(`… and ${count} more ${word}`)] : [];
  return [
    ...branches,
    ...(branches.length === 0
      ? []
      : more(succeeded - Math.min(listedItems, items.succeeded.length), 'succeeded')),
    ...failures,
    ...more(failed - failures.length, 'failed'),
  ];
}

/** Tasks as rows. */
export function formatTasks(tasks: readonly Task[], paint: Paint): string {
  const nowMs = Date.now();
  return formatTable(
    paint,
    ['ID', 'STATUS', 'REPOSITORY', 'TIME', 'COST', 'CREATED', 'RESULT'],
    tasks.map((task) => [
      shortId(task.id),
      paintWord(paint, task.outcome ?? task.status),
      shortRepository(task.repository),
      timeOf(task) ?? '',
      formatMicroUsd(task.costMicroUsd),
      formatAge(task.createdAt, nowMs),
      toLine(resultOf(task), 80),
    ]),
  );
}

function resultOf(task: Task): string {
  if (task.outcome === 'succeeded')
    return task.commit === undefined ? 'no change' : formatBranch(task);
  if (task.outcome !== undefined) return formatFailure(task);
  return task.waitingFor === undefined ? (task.activity ?? '') : waitingOf(task).replace(/^, /, '');
}

/** Batches as rows. */
export function formatBatches(batches: readonly Batch[], paint: Paint): string {
  const nowMs = Date.now();
  return formatTable(
    paint,
    ['ID', 'STATUS', 'NAME', 'ITEMS', 'FAILED', 'TIME', 'COST', 'CREATED'],
    batches.map((batch) => [
      shortId(batch.id),
      paintWord(paint, batch.status),
      toLine(batch.name, 40),
      `${endedOf(batch)}/${batch.counts.total}`,
      String(batch.counts.byOutcome.failed),
      timeOf(batch) ?? '',
      formatMicroUsd(batch.costMicroUsd),
      formatAge(batch.createdAt, nowMs),
    ]),
  );
}

/** How many items of a batch have ended. */
function endedOf(batch: Batch): number {
  const { succeeded, failed, cancelled } = batch.counts.byStatus;
  return succeeded + failed + cancelled;
}
