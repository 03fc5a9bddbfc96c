/** `ado plan`: what `run` would do, and what it would cost; nothing is started. */
import type { Plan, PlannedItem } from '../../contracts/batch.schema.ts';
import { gateProfileOf } from '../../contracts/gate-profile.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import { checksOf } from '../summaries.ts';
import { formatTable } from '../table.ts';
import { formatLock } from '../targets/lock.ts';
import { nameSources } from '../targets/name-sources.ts';
import { tame, toLine } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { countOf, shortRepository } from '../texts.ts';
import { buildRequest, toBatchBody } from '../work-request.ts';
import type { BatchBody, WorkOptions } from '../work-request.ts';

/** The flags of `ado plan`. */
export interface PlanOptions extends WorkOptions {
  /** Whole prompts instead of their beginnings. */
  readonly prompts?: true | undefined;
  readonly output: 'text' | 'json' | 'jsonl' | 'yaml' | 'name' | 'csv';
}

/** Runs the command; answers the exit code. */
export async function plan(
  cli: Cli,
  words: readonly string[],
  options: PlanOptions,
): Promise<number> {
  const request = await buildRequest(cli, words, options);
  const body = toBatchBody(request);
  const api = await connect(cli, { mayStart: true });
  let planned: Plan;
  try {
    planned = await api.call('post /v1/plans', { body });
  } catch (error) {
    throw request.kind === 'batch' ? nameSources(error, request.targets) : error;
  }
  const { output } = options;
  if (output === 'csv') {
    cli.terminal.write(formatLock(toLockRows(planned, body)));
    return exitCodes.ok;
  }
  await print(cli.terminal, output, {
    value: planned,
    rows: planned.items,
    names: planned.items.filter((item) => item.skip === undefined).map((item) => item.repository),
    text: () => formatPlan(planned, body, { paint: cli.terminal.paint, options }),
  });
  return exitCodes.ok;
}

function toLockRows({ items }: Plan, body: BatchBody): Parameters<typeof formatLock>[0] {
  return items.map((item, index) => ({
    repository: item.repository,
    baseRef: item.baseRef,
    baseCommit: item.baseCommit,
    prompt: body.items[index]?.prompt,
    variables: item.variables,
    skip: item.skip,
  }));
}

function formatPlan(
  planned: Plan,
  body: BatchBody,
  { paint, options }: { readonly paint: Paint; readonly options: PlanOptions },
): string {
  const hasChecks = planned.items.some((item) => item.checks !== undefined);
  const rows = planned.items.map((item) => [
    shortRepository(item.repository),
    item.baseCommit.slice(0, 12),
    item.skip === undefined ? paint.green('run') : paint.yellow(`skip: ${item.skip}`),
    ...(hasChecks ? [formatFoundChecks(item.checks)] : []),
    toLine(item.prompt, 60),
  ]);
  const heading = ['REPOSITORY', 'BASE', 'PLAN', ...(hasChecks ? ['CHECKS'] : []), 'PROMPT'];
  const { lowMicroUsd, highMicroUsd, worstMicroUsd, basedOnTasks } = planned.estimate;
  const known = basedOnTasks === 0 ? '' : ` (as ${countOf(basedOnTasks, 'earlier task')})`;
  const checks = checksOf(body.gates ?? [], gateProfileOf(body));
  const skipped = planned.skipped === 0 ? '' : `, ${planned.skipped} skipped`;
  const cost =
    worstMicroUsd === 0
      ? 'costs nothing'
      : `${formatMicroUsd(lowMicroUsd)} to ${formatMicroUsd(highMicroUsd)}${known}, at worst ${formatMicroUsd(worstMicroUsd)}`;
  return [
    formatTable(paint, heading, rows),
    ...(options.prompts === true ? wholePrompts(planned, paint) : []),
    '',
    `${countOf(planned.toRun, 'item')} would run${skipped}, ${planned.parallel} at once; ${cost}.`,
    ...(checks === '' ? [] : [`The work has to pass: ${checks}.`]),
  ].join('\n');
}

/** `build, test (npm), lint (ruff)`; `?` where they are found only when the work begins. */
function formatFoundChecks(checks: PlannedItem['checks']): string {
  if (checks === undefined) return '?';
  if (checks.length === 0) return 'none';
  const byProgram = Map.groupBy(checks, ({ command }) => programOf(command));
  return Array.from(byProgram, ([program, own]) => {
    const names = own.map(({ name }) => name).join(', ');
    return toLine(`${names} (${program})`, 60);
  }).join(', ');
}

/** The program that a command calls, or the module that an interpreter does: `PYTHONPATH=. python3 -m pytest -q`. */
function programOf(command: string): string {
  const words = command
    .split(' ')
    .filter((word) => !/^(\w+=.*|sh|npx|-m|--no-install|python3)$/.test(word));
  return (words[0] ?? command).replace(/^\.\//, '');
}

function wholePrompts(planned: Plan, paint: Paint): string[] {
  return planned.items
    .filter((item) => item.skip === undefined)
    .flatMap((item) => ['', paint.bold(tame(item.repository)), tame(item.prompt)]);
}
