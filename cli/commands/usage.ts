/** `ado usage`: what was spent, where it leads, and money that was lost from sight. */
import { shortId } from '../../contracts/names.ts';
import type { Forecast, Purchase, Usage, UsageGroup } from '../../contracts/usage.schema.ts';
import { dateIn } from '../../contracts/calendar.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import { listAll } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { Printable } from '../output.ts';
import { toMoments } from '../period.ts';
import type { Period } from '../period.ts';
import { alignRight, formatFacts, formatTable } from '../table.ts';
import { formatCsv } from '../targets/lock.ts';
import { toLine } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { countOf, formatAge, shortRepository, toDollars } from '../texts.ts';

/** The flags of `ado usage`. */
export interface UsageOptions {
  readonly by?: UsageGroup | undefined;
  readonly period?: Period | undefined;
  readonly forecast?: true | undefined;
  readonly lost?: true | undefined;
  readonly limit: number;
  readonly output: 'text' | 'json' | 'jsonl' | 'yaml' | 'csv';
}

/** Something to print, as a table too. */
interface Report extends Omit<Printable, 'names'> {
  readonly csv: () => readonly (readonly string[])[];
}

/** Runs the command; answers the exit code. */
export async function usage(cli: Cli, options: UsageOptions): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const report = await findReport(cli, api, options);
  if (options.output === 'csv') cli.terminal.write(formatCsv(report.csv()));
  else await print(cli.terminal, options.output, { ...report, names: [] });
  return exitCodes.ok;
}

async function findReport(cli: Cli, api: ApiClient, options: UsageOptions): Promise<Report> {
  const { paint } = cli.terminal;
  if (options.forecast === true)
    return reportForecast(await api.call('get /v1/usage/forecast', {}), paint);
  if (options.lost === true) return reportLost(cli, await listLost(api, options.limit));
  const sums = await sumUsage(api, options);
  return reportUsage(cli, sums);
}

/** The sums of a period with as many rows as were asked for. */
async function sumUsage(api: ApiClient, options: UsageOptions): Promise<Usage> {
  const { by = 'provider', period = { kind: 'month' } } = options;
  const { timeZone } = await api.call('get /v1/key', {});
  const { from, to } = toMoments(period, timeZone, new Date());
  const query = { by, timeZone, from: from.toISOString() };
  let first: Usage | undefined;
  const items = await listAll(options.limit, async (page) => {
    // All pages are of the period that the first one was of.
    const end = first?.to ?? to?.toISOString();
    const answer = await api.call('get /v1/usage', {
      query: { ...query, ...page, ...(end === undefined ? {} : { to: end }) },
    });
    first ??= answer;
    return answer;
  });
  if (first === undefined) throw new Error('a list without a first page');
  return { ...first, items };
}

/** What a row without a key is of. */
const keyless: Partial<Record<UsageGroup, string>> = {
  account: '(no account)',
  batch: '(no batch)',
};

function reportUsage(cli: Cli, sums: Usage): Report {
  const { paint, note, notePaint } = cli.terminal;
  return {
    value: sums,
    rows: sums.items,
    csv: () => [
      [sums.by, 'label', ...sumColumns.map(([name]) => name), 'costUsd', ...openColumns],
      ...sums.items.map((row) => [
        row.key ?? '',
        row.label ?? '',
        ...sumColumns.map(([name]) => String(row[name])),
        toDollars(row.costMicroUsd),
        ...openColumns.map((name) => String(row.open?.[name] ?? '')),
      ]),
    ],
    text: () => {
      const { from, to, timeZone, total } = sums;
      const lastDay = dateIn(timeZone, Date.parse(to) - 1);
      note(notePaint.dim(`${dateIn(timeZone, Date.parse(from))} to ${lastDay} (${timeZone})`));
      if (total.calls === 0 && sums.items.length === 0) note('No calls.');
      if (total.open.unknownCalls > 0) {
        const lost = `No answer is known of ${countOf(total.open.unknownCalls, 'call')}; ${formatMicroUsd(total.open.unknownMicroUsd)} counts as gone`;
        note(`${lost}: ${cli.environment.command} usage --lost`);
      }
      return sums.items.length === 0 ? '' : formatUsage(sums, paint);
    },
  };
}

const sumColumns = [
  ['calls', 'CALLS'],
  ['inputTokens', 'INPUT'],
  ['cacheReadTokens', 'CACHE READ'],
  ['cacheWriteTokens', 'CACHE WRITE'],
  ['cacheWriteHourTokens', undefined],
  ['outputTokens', 'OUTPUT'],
  ['reasoningTokens', 'REASONING'],
  ['costMicroUsd', undefined],
] as const satisfies readonly (readonly [keyof Usage['total'], string | undefined])[];
const openColumns = ['heldMicroUsd', 'unknownMicroUsd', 'unknownCalls'] as const;

function formatUsage({ by, items, total }: Usage, paint: Paint): string {
  const isLabelled = by === 'task' || by === 'batch' || by === 'tenant';
  const hasOpen = total.open.heldMicroUsd + total.open.unknownMicroUsd > 0;
  const shown = sumColumns.flatMap(([name, title]) =>
    title === undefined ? [] : [{ name, title }],
  );
  const toCells = (sums: Usage['items'][number] | Usage['total']): string[] => [
    ...shown.map(({ name }) => formatCount(sums[name])),
    formatMicroUsd(sums.costMicroUsd),
    ...(hasOpen ? [openCell(sums.open?.heldMicroUsd), openCell(sums.open?.unknownMicroUsd)] : []),
  ];
  const rows = [
    ...items.map((row) => [
      nameOf(by, row.key),
      ...(isLabelled ? [labelOf(by, row.label)] : []),
      ...toCells(row),
    ]),
    ['total', ...(isLabelled ? [''] : []), ...toCells(total)],
  ];
  const heading = [
    by.toUpperCase(),
    ...(isLabelled ? [by === 'task' ? 'REPOSITORY' : 'NAME'] : []),
    ...shown.map(({ title }) => title),
    'COST',
    ...(hasOpen ? ['HELD', 'LOST'] : []),
  ];
  const firstFigure = isLabelled ? 2 : 1;
  return formatTable(paint, ...alignRight(heading, rows, firstFigure));
}

function nameOf(by: UsageGroup, key: string | null): string {
  if (key === null) return keyless[by] ?? '(none)';
  return by === 'task' || by === 'batch' ? shortId(key) : toLine(key, 60);
}

function labelOf(by: UsageGroup, label = ''): string {
  return by === 'task' ? shortRepository(label) : toLine(label, 40);
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

function openCell(microUsd: number | undefined): string {
  return microUsd === undefined ? '' : formatMicroUsd(microUsd);
}

function reportForecast(forecast: Forecast, paint: Paint): Report {
  const { day, month, pace, budgets, timeZone } = forecast;
  const spans = [
    { period: 'today', ...day },
    { period: 'this month', ...month },
  ];
  return {
    value: forecast,
    csv: () => [
      ['period', 'from', 'to', 'spentMicroUsd', 'spentUsd', 'forecastMicroUsd', 'forecastUsd'],
      ...spans.map(({ period, from, to, spentMicroUsd, forecastMicroUsd }) => [
        ...[period, from, to],
        ...[String(spentMicroUsd), toDollars(spentMicroUsd)],
        ...[String(forecastMicroUsd), toDollars(forecastMicroUsd)],
      ]),
    ],
    text: () => {
      const rows = budgets.map((budget) => [
        budget.kind === 'day' ? 'today' : 'in all',
        formatMicroUsd(budget.limitMicroUsd),
        formatMicroUsd(budget.spentMicroUsd),
        formatMicroUsd(budget.heldMicroUsd),
        formatMicroUsd(budget.unknownMicroUsd),
        `${Math.floor(((budget.spentMicroUsd + budget.unknownMicroUsd) * 100) / Math.max(1, budget.limitMicroUsd))} %`,
        budget.level === 'ok' ? paint.green('ok') : paint.yellow(budget.level),
      ]);
      const since = dateIn(timeZone, Date.parse(pace.from));
      return [
        formatFacts(paint, [
          ...spans.map(
            ({ period, spentMicroUsd, forecastMicroUsd }) =>
              [
                period,
                `${formatMicroUsd(spentMicroUsd)} so far, about ${formatMicroUsd(forecastMicroUsd)} at its end`,
              ] as const,
          ),
          ['pace', `${formatMicroUsd(pace.microUsdPerDay)} a day, since ${since}`],
        ]),
        '',
        formatTable(paint, ['BUDGET', 'LIMIT', 'SPENT', 'HELD', 'LOST', 'GONE', 'LEVEL'], rows),
      ].join('\n');
    },
  };
}

async function listLost(api: ApiClient, limit: number): Promise<Purchase[]> {
  return listAll(limit, (page) =>
    api.call('get /v1/usage/purchases', { query: { ...page, state: 'unknown' } }),
  );
}

function reportLost({ terminal }: Cli, lost: readonly Purchase[]): Report {
  const nowMs = Date.now();
  return {
    value: { items: lost },
    rows: lost,
    csv: () => [
      ['task', 'repository', 'account', 'amountMicroUsd', 'amountUsd', 'reservedAt', 'call'],
      ...lost.map((purchase) => [
        ...[purchase.taskId, purchase.repository, purchase.account ?? ''],
        ...[String(purchase.amountMicroUsd), toDollars(purchase.amountMicroUsd)],
        ...[purchase.reservedAt, purchase.callId],
      ]),
    ],
    text: () => {
      if (lost.length === 0) terminal.note('No answer was lost.');
      return lost.length === 0
        ? ''
        : formatTable(
            terminal.paint,
            ['TASK', 'REPOSITORY', 'ACCOUNT', 'AT MOST', 'ASKED', 'CALL'],
            lost.map((purchase) => [
              shortId(purchase.taskId),
              shortRepository(purchase.repository),
              purchase.account ?? '',
              formatMicroUsd(purchase.amountMicroUsd),
              formatAge(purchase.reservedAt, nowMs),
              purchase.callId,
            ]),
          );
    },
  };
}
