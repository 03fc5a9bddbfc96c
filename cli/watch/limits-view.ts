/** The limits of accounts as they look on a terminal. Pure: figures in, lines out. */
import type { AccountLimits, LimitGauge, WaitingTasks } from '../../contracts/providers.schema.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import { formatTable } from '../table.ts';
import { tame } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { countOf, formatDuration } from '../texts.ts';

/** What the server tells of limits. */
export interface LimitsShown {
  readonly at: string;
  readonly accounts: readonly AccountLimits[];
  readonly waiting: readonly WaitingTasks[];
}

const barWidth = 12;

/** Draws gauges, what is not well, and what waits. */
export function drawLimits({ accounts, waiting, at }: LimitsShown, paint: Paint): string[] {
  const rows = accounts.flatMap((account) => toRows(account, paint));
  const table = formatTable(paint, ['ACCOUNT', 'LIMIT', 'USED', '', 'NEXT CALL'], rows);
  const remarks = [
    ...accounts.flatMap(({ name, models }) =>
      models.flatMap((model) => formatHealth(name, model, paint)),
    ),
    ...waiting.map((tasks) => formatWaiting(tasks, Date.parse(at))),
  ];
  return [...table.split('\n'), ...(remarks.length === 0 ? [] : ['', ...remarks])];
}

/** Says what is not well with a model of an account; nothing when all is. */
export function formatHealth(
  account: string,
  { model, breaker, pausedForMs, speed }: AccountLimits['models'][number],
  paint: Paint,
): string[] {
  const troubles = [
    ...(breaker === 'open' ? [`${paint.red('breaker open')}, its last calls failed`] : []),
    ...(breaker === 'half_open' ? [`${paint.yellow('breaker half open')}, one call tries`] : []),
    ...(pausedForMs > 0 ? [`${paint.yellow('paused')} for ${formatDuration(pausedForMs)}`] : []),
    ...(speed < 1 ? [`${paint.yellow('slowed down')} to ${Math.round(speed * 100)} %`] : []),
  ];
  return troubles.length === 0 ? [] : [tame(`${account}:${model}: ${troubles.join('; ')}`, keep)];
}

const keep = { keepColors: true };

function toRows(account: AccountLimits, paint: Paint): string[][] {
  const { name, concurrent = 0, maxConcurrent, limits } = account;
  const calls =
    maxConcurrent === undefined
      ? []
      : [
          [
            name,
            'calls at once',
            drawBar(concurrent / maxConcurrent, paint),
            `${concurrent} of ${maxConcurrent}`,
            concurrent < maxConcurrent ? 'now' : 'when one ends',
          ],
        ];
  const gauges = limits.map((gauge) => [
    name,
    nameOf(gauge),
    ...(gauge.used === undefined
      ? [paint.dim('not used yet'), '', '']
      : [drawBar(gauge.used / gauge.capacity, paint), usedOf(gauge), nextCall(gauge)]),
  ]);
  const rows = [...calls, ...gauges];
  return rows.length === 0 ? [[name, paint.dim('no limits'), '', '', 'now']] : rows;
}

function nameOf({ scope, name, model = '', ...gauge }: LimitGauge): string {
  const size = `${amountOf(gauge.limit, gauge)} ${name}`;
  switch (scope) {
    case 'account':
      return size;
    case 'model':
      return `${size} ${model}`;
    case 'tenant':
      return `${size}, your share`;
  }
}

/** A rate may be used up in a burst, so that is what its bar is of. */
function usedOf(gauge: LimitGauge): string {
  const used = Math.max(0, gauge.used ?? 0);
  return `${amountOf(used, gauge)} of ${amountOf(gauge.capacity, gauge)}`;
}

function nextCall({ freeInMs, used = 0, capacity }: LimitGauge): string {
  if (freeInMs > 0) return `in ${formatDuration(freeInMs)}`;
  return used < capacity ? 'now' : 'when it is free';
}

function amountOf(amount: number, { charge }: Pick<LimitGauge, 'charge'>): string {
  if (charge === 'micro_usd') return formatMicroUsd(amount);
  return Math.round(amount).toLocaleString('en-US');
}

function drawBar(share: number, paint: Paint): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
  const color = share >= 1 ? paint.red : share >= 0.7 ? paint.yellow : paint.green;
  return color('█'.repeat(filled)) + paint.dim('░'.repeat(barWidth - filled));
}

function formatWaiting({ tasks, detail, until }: WaitingTasks, nowMs: number): string {
  const what = `${countOf(tasks, 'task')} ${tasks === 1 ? 'waits' : 'wait'}`;
  const forWhat = detail === '' ? '' : ` for ${detail}`;
  const left = until === undefined ? 0 : Date.parse(until) - nowMs;
  return tame(`${what}${forWhat}${left > 0 ? `, ${formatDuration(left)} more` : ''}`);
}
