/**
 * The steps of a task as a tree: attempts, turns, and what was done in each. A turn begins with what thinks or acts by
 * itself (a call of a model, a turn of an agent's program); tools, commits, checks and fixes that follow belong to it.
 */
import type { Step } from '../../contracts/step.schema.ts';
import { formatMicroUsd } from '../../contracts/money.ts';
import { toLine } from '../terminal.ts';
import { countOf, formatDuration } from '../texts.ts';
import { formatDiffStat } from '../watch/event-lines.ts';
import { durationOf } from './checks.ts';
import type { StepFormat } from './checks.ts';

/** A turn, or what stands outside of turns: `number` is 0 then. */
interface Turn {
  readonly number: number;
  readonly steps: Step[];
}

/** Groups the steps of one attempt into turns. */
function groupTurns(steps: readonly Step[]): Turn[] {
  const turns: Turn[] = [];
  let number = 0;
  for (const step of steps) {
    const last = turns.at(-1);
    const begins = step.kind === 'model' || step.kind === 'agent';
    const isOutside = step.kind === 'workspace' || step.kind === 'setup' || step.kind === 'deliver';
    if (begins) number += 1;
    if (last === undefined || begins || isOutside !== (last.number === 0))
      turns.push({ number: isOutside || number === 0 ? 0 : number, steps: [step] });
    else last.steps.push(step);
  }
  return turns;
}

/** Turns of the end that are shown whole, and turns with failures, the latest ones. */
const wholeAtEnd = 2;
const wholeFailed = 6;
/** Lines up to which nothing is left out. */
const unabridged = 40;
/** Tool calls in a row, all well, from which they are told as one line. */
const manyTools = 5;

/** Writes the tree as lines. The latest attempt is written out, earlier ones are a line each unless all is asked for. */
export function formatSteps(steps: readonly Step[], format: StepFormat): string[] {
  const attempts = Map.groupBy(steps, (step) => step.attempt);
  const latest = Math.max(0, ...attempts.keys());
  return [...attempts].flatMap(([attempt, own]) => {
    if (attempts.size === 1) return formatAttempt(own, format);
    const head = `${format.paint.bold(`attempt ${attempt}`)}  ${format.paint.dim(sumOf(own))}`;
    return attempt === latest || format.all ? [head, ...formatAttempt(own, format)] : [head];
  });
}

function formatAttempt(steps: readonly Step[], format: StepFormat): string[] {
  const turns = groupTurns(steps);
  if (format.all || steps.length + turns.length <= unabridged)
    return turns.flatMap((turn) =>
      formatTurn(
        turn,
        turn.steps.map((step) => [step]),
        format,
      ),
    );
  const failed = turns.filter((turn) => hasFailed(turn)).slice(-wholeFailed);
  const whole = new Set([...failed, ...turns.slice(-wholeAtEnd), ...turns.filter(isOutside)]);
  const lines: string[] = [];
  let skipped: Turn[] = [];
  const flush = (): void => {
    if (skipped.length > 0) lines.push(formatSkipped(skipped, format));
    skipped = [];
  };
  for (const turn of turns) {
    if (!whole.has(turn)) {
      skipped.push(turn);
      continue;
    }
    flush();
    lines.push(...formatTurn(turn, mergeTools(turn.steps), format));
  }
  flush();
  return lines;
}

function hasFailed(turn: Turn): boolean {
  return turn.steps.some((step) => step.status === 'failed');
}

function isOutside(turn: Turn): boolean {
  return turn.number === 0;
}

function formatSkipped(turns: readonly Turn[], { paint }: StepFormat): string {
  const [first, last] = [turns[0]?.number ?? 0, turns.at(-1)?.number ?? 0];
  const steps = turns.flatMap((turn) => turn.steps);
  const which = first === last ? `turn ${first}` : `turns ${first}–${last}`;
  return `  ${paint.dim(`… ${which}: ${countOf(steps.length, 'step')}, ${sumOf(steps)} (--steps all)`)}`;
}

/** Steps in groups that are a line each: tools in a row that went well are one. */
function mergeTools(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    if (last !== undefined && isQuietTool(step) && last.every(isQuietTool)) last.push(step);
    else groups.push([step]);
  }
  return groups.flatMap((group) =>
    group.length < manyTools ? group.map((step) => [step]) : [group],
  );
}

function isQuietTool(step: Step): boolean {
  return step.kind === 'tools' && step.status === 'succeeded';
}

function formatTurn(
  turn: Turn,
  groups: readonly (readonly Step[])[],
  format: StepFormat,
): string[] {
  if (isOutside(turn)) return groups.map((group) => formatGroup(group, '  ', format));
  const head = `  turn ${turn.number}  ${format.paint.dim(sumOf(turn.steps))}`;
  return [head, ...groups.map((group) => formatGroup(group, '    ', format))];
}

function formatGroup(group: readonly Step[], indent: string, format: StepFormat): string {
  const { paint, width } = format;
  const [first] = group;
  if (first === undefined) return '';
  const ok = group.every((step) => step.status === 'succeeded');
  const facts = factsOf(group);
  const summary = group.length === 1 ? first.summary : countOf(group.length, 'call');
  const room = Math.max(30, width - indent.length - kindWidth - facts.length - 6);
  const mark = ok ? paint.green('✓') : paint.red('✗');
  return `${indent}${mark} ${paint.dim(first.kind.padEnd(kindWidth))} ${toLine(summary, room)}  ${paint.dim(facts)}`.trimEnd();
}

const kindWidth = 'workspace'.length;

function factsOf(group: readonly Step[]): string {
  const [only] = group;
  const diffStat = group.length === 1 ? only?.diffStat : undefined;
  return [sumOf(group), ...(diffStat === undefined ? [] : [formatDiffStat(diffStat)])].join('  ');
}

/** Time and cost of steps; no cost where nothing was bought. */
function sumOf(steps: readonly Step[]): string {
  const durationMs = steps.reduce((sum, step) => sum + durationOf(step), 0);
  const costMicroUsd = steps.reduce((sum, step) => sum + step.costMicroUsd, 0);
  return [
    formatDuration(durationMs),
    ...(costMicroUsd === 0 ? [] : [formatMicroUsd(costMicroUsd)]),
  ].join('  ');
}
