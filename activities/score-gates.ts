/** One line on all checks of a piece of work, with a score out of 100. Pure. */
import type { PlannedGate } from './plan-gates.ts';

/** How a check ended: `old` failed as it did on the base commit. */
export interface GateVerdict {
  readonly gate: PlannedGate;
  readonly state: 'passed' | 'old' | 'failed';
}

/** Build 30, tests 35, lint (with types) 20, coverage 15; what a repository does not have is left out. */
const weights: readonly (readonly [readonly PlannedGate['kind'][], number])[] = [
  [['build'], 30],
  [['test'], 35],
  [['lint', 'typecheck'], 20],
  [['coverage'], 15],
];

const words = { passed: 'passed', old: 'failed before too', failed: 'failed' } as const;

/** `checks: build passed, test failed before too; score 46 of 100`. */
export function scoreOf(verdicts: readonly GateVerdict[]): string {
  const told = verdicts.map(({ gate, state }) => `${gate.name} ${words[state]}`).join(', ');
  let reached = 0;
  let possible = 0;
  for (const [kinds, weight] of weights) {
    const ofKind = verdicts.filter(({ gate }) => kinds.includes(gate.kind));
    if (ofKind.length === 0) continue;
    possible += weight;
    reached += (weight * ofKind.filter(({ state }) => state === 'passed').length) / ofKind.length;
  }
  if (possible === 0) return `checks: ${told}`;
  return `checks: ${told}; score ${String(Math.round((100 * reached) / possible))} of 100`;
}
