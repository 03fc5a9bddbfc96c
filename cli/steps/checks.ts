/** What the checks of a task say: of each gate its last run, with what it found. */
import type { Finding, Step } from '../../contracts/step.schema.ts';
import { toLine } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { formatDuration } from '../texts.ts';

/** The last run of a gate in the latest attempt. */
export interface Check {
  readonly gate: string;
  readonly ok: boolean;
  /** How often the gate ran in that attempt. */
  readonly runs: number;
  readonly attempt: number;
  readonly step: number;
  readonly summary: string;
  readonly durationMs: number;
  readonly findings: readonly Finding[];
}

/** Lists the checks of a task's latest attempt, failed ones first, else in the order they ran in. */
export function listChecks(steps: readonly Step[]): Check[] {
  const latest = Math.max(0, ...steps.map((step) => step.attempt));
  const verdicts = steps.filter((step) => step.attempt === latest && step.kind === 'gate');
  const lastRound = Math.max(0, ...verdicts.map(({ step }) => step));
  const checks = new Map<string, Check>();
  for (const step of verdicts) {
    // Steps of an earlier version have no name: each of the last round stands for itself.
    if (step.gate === undefined && step.step < lastRound) continue;
    const gate = step.gate ?? step.summary;
    const runs = (checks.get(gate)?.runs ?? 0) + 1;
    checks.set(gate, { gate, ok: step.status === 'succeeded', runs, ...runOf(step) });
  }
  const all = [...checks.values()];
  return [...all.filter((check) => !check.ok), ...all.filter((check) => check.ok)];
}

/** What all checks of the latest attempt come to in words, or why there are none; undefined where nothing says so. */
export function findSum(steps: readonly Step[]): string | undefined {
  const latest = Math.max(0, ...steps.map((step) => step.attempt));
  return steps.findLast((step) => step.attempt === latest && step.kind === 'checks')?.summary;
}

function runOf(step: Step): Omit<Check, 'gate' | 'ok' | 'runs'> {
  return {
    attempt: step.attempt,
    step: step.step,
    summary: step.summary,
    durationMs: durationOf(step),
    findings: step.findings ?? [],
  };
}

/** How long a step took. */
export function durationOf(step: Pick<Step, 'startedAt' | 'endedAt'>): number {
  return Math.max(0, Date.parse(step.endedAt) - Date.parse(step.startedAt));
}

/** Findings of a gate that are listed when nobody asks for all. */
const listedFindings = 10;

/** How checks and steps are written. */
export interface StepFormat {
  readonly paint: Paint;
  /** Columns of the screen. */
  readonly width: number;
  /** Everything, however much it is. */
  readonly all: boolean;
}

/** Writes the checks of a task as lines: a verdict each, under a failed one where it failed; what they come to. */
export function formatChecks(steps: readonly Step[], format: StepFormat): string[] {
  const sum = findSum(steps);
  return [
    ...listChecks(steps).flatMap((check) => [
      formatVerdict(check, format),
      ...formatFindings(check, format),
    ]),
    ...(sum === undefined ? [] : [`  ${format.paint.dim(toLine(sum, 2 * format.width))}`]),
  ];
}

function formatVerdict(check: Check, { paint, width }: StepFormat): string {
  const { gate, ok, runs, durationMs, findings } = check;
  const facts = [
    formatDuration(durationMs),
    ...(runs > 1 ? [`ran ${runs} times`] : []),
    ...(findings.length > 1 ? [`${findings.length} findings`] : []),
  ];
  // What was found says more than the summary, which is its first line.
  const rest = ok || findings.length === 0 ? noteOf(check) : '';
  const said = rest === '' ? '' : `  ${toLine(rest, Math.max(30, width - gate.length - 20))}`;
  return `  ${ok ? paint.green('✓') : paint.red('✗')} ${toLine(gate, width)}${said}  ${paint.dim(facts.join(', '))}`;
}

/** What the summary of a check says beyond its name: why it failed, or what it had against the base commit, too. */
export function noteOf({ summary, gate }: Check): string {
  return summary.slice(gate.length).replace(/^:\s*/, '');
}

function formatFindings(check: Check, { paint, width, all }: StepFormat): string[] {
  if (check.ok) return [];
  const shown = all ? check.findings : check.findings.slice(0, listedFindings);
  const left = check.findings.length - shown.length;
  return [
    ...shown.map((finding) => {
      const place = placeOf(finding);
      const head = [place, finding.code ?? '']
        .filter((word) => word !== '')
        .map((word) => toLine(word, 200));
      const message = toLine(finding.message, Math.max(40, width - head.join('  ').length - 8));
      const color = finding.severity === 'warning' ? paint.yellow : paint.red;
      const painted = head.map((word, index) =>
        index === 0 && place !== '' ? color(word) : paint.dim(word),
      );
      return `      ${[...painted, message].join('  ')}`;
    }),
    ...(left > 0 ? [paint.dim(`      … and ${left} more: --steps all`)] : []),
  ];
}

/** `src/a.ts:12:3`, as editors and terminals take it; empty when nobody knows. */
export function placeOf({ file, line, column }: Finding): string {
  return [file, line, column].filter((part) => part !== undefined).join(':');
}
