/** Events as lines of text. */
import type { Event } from '../../contracts/event.schema.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import { formatBranch } from '../kept-work.ts';
import { formatDuration, paintWord, shortRepository } from '../texts.ts';
import { tame } from '../terminal.ts';
import type { Paint } from '../terminal.ts';

/** Writes an event as one line; undefined for output, which is text of its own. */
export function formatEvent(event: Event, paint: Paint): string | undefined {
  const text = textOf(event, paint);
  return text === undefined ? undefined : tame(text, { keepColors: true }).replace(/\n+/g, ' ');
}

function textOf(event: Event, paint: Paint): string | undefined {
  switch (event.type) {
    case 'output':
      return undefined;
    case 'task-queued':
      return event.data.attempt === 1 ? 'queued' : `queued, attempt ${event.data.attempt}`;
    case 'task-started':
      return `${paint.cyan('started')} on ${event.data.worker}`;
    case 'step-started':
      return paint.dim(`… ${event.data.kind}: ${event.data.summary}`);
    case 'step-finished': {
      const { ok, kind, summary, durationMs } = event.data;
      return `${ok ? paint.green('✓') : paint.red('✗')} ${kind}: ${summary} ${paint.dim(formatDuration(durationMs))}`;
    }
    case 'task-waiting': {
      const { until, detail } = event.data;
      return `${paint.yellow('waits')} until ${until}: ${detail}`;
    }
    case 'route-changed':
      return `model: ${event.data.from} → ${event.data.to} ${paint.dim(`(${event.data.reason})`)}`;
    case 'budget-reached': {
      const { budget, spentMicroUsd, limitMicroUsd } = event.data;
      return `${paint.yellow('budget')} ${budget}: ${formatMicroUsd(spentMicroUsd)} of ${formatMicroUsd(limitMicroUsd)} is spent`;
    }
    case 'commit-created': {
      const { commit, diffStat } = event.data;
      return `commit ${commit.slice(0, 12)}: ${formatDiffStat(diffStat)}`;
    }
    case 'branch-delivered': {
      const { branch, commit, pullRequestUrl } = event.data;
      const request = pullRequestUrl === undefined ? '' : `: ${pullRequestUrl}`;
      return `branch ${branch} at ${commit.slice(0, 12)}${request}`;
    }
    case 'cancel-requested':
      return `${paint.yellow('cancelling')}${event.data.reason === undefined ? '' : `: ${event.data.reason}`}`;
    case 'approval-requested':
      return `${paint.yellow('asks')}: ${event.data.title}`;
    case 'approval-reminded':
      return `${paint.yellow('still asks')}: ${event.data.title}`;
    case 'approval-decided': {
      const { decision, expired, reason } = event.data;
      const word = decision === 'approve' ? paint.green('approved') : paint.red('rejected');
      const why = expired ? 'nobody answered in time' : reason;
      return why === undefined ? word : `${word}: ${why}`;
    }
    case 'task-ended':
      return [paintWord(paint, event.data.outcome), ...endOf(event.data)].join('  ');
    case 'batch-queued':
      return `queued, ${event.data.total} items`;
    case 'batch-started':
      return `${paint.cyan('started')}, ${event.data.total} items, ${event.data.parallel} at once`;
    case 'item-started':
      return `${paint.cyan('started')}  ${shortRepository(event.data.repository)}${attemptOf(event.data.attempt)}`;
    case 'item-ended': {
      const duration = event.data.durationMs;
      const facts = [
        ...(duration === undefined ? [] : [formatDuration(duration)]),
        ...endOf(event.data),
      ];
      return [
        paintWord(paint, event.data.outcome),
        shortRepository(event.data.repository),
        ...facts,
      ].join('  ');
    }
    case 'items-retried':
      return `retrying ${event.data.count} items, round ${event.data.round}`;
    case 'batch-changed': {
      const { parallel, failureBudget } = event.data;
      const changes = [
        ...(parallel === undefined ? [] : [`${parallel} at once`]),
        ...(failureBudget === undefined ? [] : [`failure budget ${failureBudget}`]),
      ];
      return `changed: ${changes.join(', ')}`;
    }
    case 'batch-ended':
      return `ended: ${event.data.result}, ${event.data.total} items, ${formatMicroUsd(event.data.costMicroUsd)}`;
  }
}

interface End {
  readonly failureClass?: string | undefined;
  readonly reason?: string | undefined;
  readonly errorCode?: string | undefined;
  readonly error?: string | undefined;
  readonly branch?: string | undefined;
  readonly published?: boolean | undefined;
  readonly outcome: string;
}

function endOf(end: End): string[] {
  const { outcome, branch, published } = end;
  if (outcome === 'succeeded')
    return branch === undefined ? [] : [formatBranch({ branch, published })];
  return [formatFailure(end)].filter((text) => text !== '');
}

function attemptOf(attempt: number): string {
  return attempt === 1 ? '' : ` (attempt ${attempt})`;
}

/** Says why something did not succeed: class and reason, message, code. */
export function formatFailure(end: Omit<End, 'branch' | 'published' | 'outcome'>): string {
  const words = new Set([end.failureClass, end.reason].filter((word) => word !== undefined));
  // A failed gate's class, reason and message all begin with the same word.
  const why = [...words].filter((word) => end.error?.startsWith(`${word} `) !== true).join(': ');
  const code = end.errorCode === undefined ? undefined : `[${end.errorCode}]`;
  return [why === '' ? undefined : why, end.error, code]
    .filter((text) => text !== undefined)
    .join('  ');
}

/** `3 files, +10 −2`. */
export function formatDiffStat(stat: {
  readonly files: number;
  readonly insertions: number;
  readonly deletions: number;
}): string {
  return `${stat.files} ${stat.files === 1 ? 'file' : 'files'}, +${stat.insertions} −${stat.deletions}`;
}
