/** What of a check's output counts against the work: of a found one only what its base did not have. Pure. */
import { createHash } from 'node:crypto';
import type { Coverage } from '../adapters/ports.ts';
import type { Finding } from '../contracts/step.schema.ts';
import type { PlannedGate, Tolerance } from './plan-gates.ts';
import { tellingLine } from './telling-line.ts';

/** How a check ended, once. */
export interface GateRun {
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** What it wrote, with paths relative to the work tree. */
  readonly text: string;
  /** All that could be read of it. */
  readonly findings: readonly Finding[];
  /** Shares of the code that tests ran; empty of what measures none. */
  readonly coverage: Coverage;
  readonly durationMs: number;
}

/** Codes of findings that stand for a whole run, not for a place in a file. */
const ofRun = {
  output: 'output-',
  coverage: 'coverage',
  timeout: 'timeout',
  exit: 'exit-',
} as const;

/** What is wrong with a run, base or not. Empty when the check passed. */
export function problemsOf(
  gate: PlannedGate,
  run: GateRun,
  { maxWarnings, minCoverage }: Tolerance,
): Finding[] {
  const tool = gate.name;
  const isFailed = run.exitCode !== 0;
  const errors = run.findings.filter(({ severity }) => severity !== 'warning');
  const warnings = run.findings.filter(({ severity }) => severity === 'warning');
  const problems = isFailed ? (errors.length > 0 ? errors : warnings) : [];
  // Of a command that the request names its exit code alone decides.
  if (gate.isFound && problems !== warnings && warnings.length > maxWarnings)
    problems.push(...warnings);
  if (run.timedOut)
    problems.push({
      tool,
      code: ofRun.timeout,
      message: `not done within ${gate.timeoutMs / 1_000} s`,
    });
  else if (isFailed && problems.length === 0) {
    const code = `${ofRun.output}${fingerprintOf(tool, run.text)}`;
    problems.push({ tool, code, message: tellingLine(run.text) });
  }
  if (gate.isFound) problems.push(...missingCoverage(tool, run.coverage, minCoverage));
  return problems;
}

function missingCoverage(tool: string, has: Coverage, needs: Tolerance['minCoverage']): Finding[] {
  return (['statements', 'branches', 'functions', 'lines'] as const).flatMap((kind) => {
    const percent = has[kind];
    if (percent === undefined || percent >= needs[kind]) return [];
    const message = `tests run ${percent} % of the ${kind}, less than ${needs[kind]} %`;
    return [{ tool, code: ofRun.coverage, message }];
  });
}

/** Whether a finding tells of a place, and is worth showing as one. */
export function isPlace({ code = '' }: Finding): boolean {
  return !code.startsWith(ofRun.output) && !code.startsWith(ofRun.exit);
}

/**
 * The findings that the base did not have. A place is known by tool, file, code and words, wherever its line has moved to;
 * each of the base's excuses one of the work's.
 */
export function newFindings(
  work: readonly Finding[],
  base: readonly Finding[],
  tolerance: Pick<Tolerance, 'maxWarnings'>,
): Finding[] {
  const excused = new Map<string, number>();
  for (const finding of base) {
    const key = keyOf(finding);
    excused.set(key, (excused.get(key) ?? 0) + 1);
  }
  const added = work.filter((finding) => {
    const key = keyOf(finding);
    const left = excused.get(key) ?? 0;
    excused.set(key, left - 1);
    return left <= 0 || isLess(finding, base);
  });
  // Few new warnings beside many old ones are tolerated as few warnings are.
  const errors = added.filter(({ severity }) => severity !== 'warning');
  return added.length - errors.length > tolerance.maxWarnings ? added : errors;
}

function keyOf({ tool, file, code, message }: Finding): string {
  return JSON.stringify([tool, file, code, message.replace(/0x[0-9a-f]+|\d+/gi, '#')]);
}

/** Coverage that was too low already may stay as it is, not fall. */
function isLess(finding: Finding, base: readonly Finding[]): boolean {
  if (finding.code !== ofRun.coverage) return false;
  const percentOf = (one: Finding | undefined): number =>
    Number(/[\d.]+/.exec(one?.message ?? '')?.[0]);
  return percentOf(finding) < percentOf(base.find((one) => keyOf(one) === keyOf(finding)));
}

/** Hashes a failure without what differs from run to run. */
export function fingerprintOf(gate: string, text: string): string {
  const plain = text
    .replace(/0x[0-9a-f]+|\d+/gi, '#')
    .replace(/\s+/g, ' ')
    .trim();
  return createHash('sha256').update(`${gate}\n${plain}`).digest('hex').slice(0, 16);
}
