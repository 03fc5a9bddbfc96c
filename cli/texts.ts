/** Figures as people read them. */
import { formatMicroUsd } from '../contracts/money.ts';
import type { Outcome, TaskStatus } from '../contracts/task-status.ts';
import type { Paint } from './terminal.ts';

/** `0.4s`, `12s`, `3m04s`, `2h10m`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 10_000) return `${(Math.max(0, durationMs) / 1_000).toFixed(1)}s`;
  const seconds = Math.round(durationMs / 1_000);
  const two = (count: number): string => String(count).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3_600)}h${two(Math.floor((seconds % 3_600) / 60))}m`;
}

/** What was spent, and of what where that is bounded: `$1.25 of $10.00`. */
export function formatSpent(spender: {
  readonly costMicroUsd: number;
  readonly maxCostMicroUsd?: number | undefined;
}): string {
  const { costMicroUsd, maxCostMicroUsd } = spender;
  const spent = formatMicroUsd(costMicroUsd);
  return maxCostMicroUsd === undefined ? spent : `${spent} of ${formatMicroUsd(maxCostMicroUsd)}`;
}

/** Dollars to the last millionth, without a sign: `1.250000`. */
export function toDollars(microUsd: number): string {
  return (microUsd / 1_000_000).toFixed(6);
}

/** How long ago, `just now`, `5m ago`, `3d ago`. */
export function formatAge(instant: string, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(instant)) / 1_000));
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${seconds}s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h ago`;
  return `${Math.floor(seconds / 86_400)}d ago`;
}

/** How long until then, `in 42m`, `in 3h`; `now` when it has passed. */
export function formatTimeLeft(instant: string, nowMs: number): string {
  const seconds = Math.ceil((Date.parse(instant) - nowMs) / 1_000);
  if (seconds <= 0) return 'now';
  if (seconds < 60) return `in ${seconds}s`;
  if (seconds < 7_200) return `in ${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `in ${Math.round(seconds / 3_600)}h`;
  return `in ${Math.round(seconds / 86_400)}d`;
}

/** `1 item`, `3 items`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}

/** The short name of a repository: its last two parts without `.git`, as people know it. */
export function shortRepository(repository: string): string {
  const parts = repository
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split(/[/:]/)
    .filter((part) => part !== '');
  return parts.slice(-2).join('/') || repository;
}

/** Paints a word by what it means: green when it went well, red when not, yellow in between. */
export function paintWord(paint: Paint, word: TaskStatus | Outcome, text: string = word): string {
  switch (word) {
    case 'succeeded':
    case 'skipped_unchanged':
      return paint.green(text);
    case 'failed':
      return paint.red(text);
    case 'running':
      return paint.cyan(text);
    case 'cancelled':
    case 'skipped_budget':
    case 'awaiting_approval':
    case 'paused':
      return paint.yellow(text);
    case 'queued':
    case 'skipped_optout':
      return paint.dim(text);
  }
}
