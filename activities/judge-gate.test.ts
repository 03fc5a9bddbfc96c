// Only what the work added counts against it.
//   - a finding that moved to another line is the base's; one more of the same kind is new
//   - an output that could not be read is compared as a whole
//   - warnings count beyond what the profile tolerates; coverage that was too low may stay, not fall
import type { Finding } from '../contracts/step.schema.ts';
import { fingerprintOf, newFindings, problemsOf, type GateRun } from './judge-gate.ts';
import { toleranceOf, type PlannedGate } from './plan-gates.ts';
import { scoreOf } from './score-gates.ts';

const standard = toleranceOf('standard');
const gate: PlannedGate = {
  name: 'lint',
  command: 'lint',
  timeoutMs: 1_000,
  kind: 'lint',
  isFound: true,
};

function aRun(run: Partial<GateRun>): GateRun {
  const nothing = { timedOut: false, text: '', findings: [], coverage: {}, durationMs: 1 };
  return { exitCode: 1, ...nothing, ...run };
}

function anError(line: number, message = `x is not defined (seen ${line} times)`): Finding {
  return { tool: 'eslint', file: 'a.js', line, code: 'no-undef', severity: 'error', message };
}

function warnings(count: number): Finding[] {
  return Array.from({ length: count }, (_, line) => ({
    ...anError(line, `w${'x'.repeat(line)}`),
    severity: 'warning',
  }));
}

test('a finding that has only moved is no new one, a second of the same is', () => {
  const base = [anError(3)];

  expect(newFindings([anError(7)], base, standard)).toEqual([]);
  expect(newFindings([anError(7), anError(9)], base, standard)).toEqual([anError(9)]);
  expect(newFindings([anError(7, 'y is not defined')], base, standard)).toHaveLength(1);
});

test('an output that cannot be read is the same when only numbers differ', () => {
  const problems = (text: string): Finding[] => problemsOf(gate, aRun({ text }), standard);

  expect(newFindings(problems('crash at 12 s'), problems('crash at 7 s'), standard)).toEqual([]);
  expect(newFindings(problems('crash in x'), problems('crash in y'), standard)).toHaveLength(1);
});

test('a gate that hangs has that as its problem', () => {
  const run = aRun({ exitCode: undefined, timedOut: true, text: 'begun' });

  expect(problemsOf(gate, run, standard)).toEqual([
    { tool: 'lint', code: 'timeout', message: 'not done within 1 s' },
  ]);
});

test('ten warnings are tolerated by standard, none by strict', () => {
  const run = (count: number): GateRun => aRun({ exitCode: 0, findings: warnings(count) });

  expect(problemsOf(gate, run(10), standard)).toEqual([]);
  expect(problemsOf(gate, run(11), standard)).toHaveLength(11);
  expect(problemsOf(gate, run(1), toleranceOf('strict'))).toHaveLength(1);
});

test('few new warnings beside many old ones are tolerated', () => {
  const old = warnings(20);
  const work = warnings(25);

  expect(newFindings(work, old, standard)).toEqual([]);
  expect(newFindings(work, old, { maxWarnings: 0 })).toHaveLength(5);
});

test('of a gate that the request names the exit code alone decides', () => {
  const named = { ...gate, isFound: false };

  expect(problemsOf(named, aRun({ exitCode: 0, findings: warnings(99) }), standard)).toEqual([]);
});

test('coverage that was too low already may stay as it is, not fall', () => {
  const at = (lines: number): Finding[] =>
    problemsOf(gate, aRun({ exitCode: 0, coverage: { lines, branches: 60 } }), standard).filter(
      ({ message }) => message.includes('lines'),
    );

  expect(at(80)).toEqual([]);
  expect(newFindings(at(70), at(70), standard)).toEqual([]);
  expect(newFindings(at(75), at(70), standard)).toEqual([]);
  expect(newFindings(at(69.5), at(70), standard)).toHaveLength(1);
});

test('each share of the code has its own least, higher with strict', () => {
  const told = (profile: 'standard' | 'strict', percent: number): string[] => {
    const coverage = { statements: percent, branches: percent, functions: percent, lines: percent };
    const problems = problemsOf(gate, aRun({ exitCode: 0, coverage }), toleranceOf(profile));
    return problems.map(({ message }) => message.replace(/^tests run /, ''));
  };

  expect(told('standard', 80)).toEqual([]);
  expect(told('standard', 79.9)).toEqual([
    '79.9 % of the statements, less than 80 %',
    '79.9 % of the functions, less than 80 %',
    '79.9 % of the lines, less than 80 %',
  ]);
  expect(told('standard', 69)).toHaveLength(4);
  expect(told('strict', 89)).toHaveLength(4);
  expect(told('strict', 90)).toEqual([]);
});

test('a branch less is a new problem beside lines that were too few before', () => {
  const at = (branches: number): Finding[] =>
    problemsOf(gate, aRun({ exitCode: 0, coverage: { lines: 70, branches } }), standard);

  expect(newFindings(at(60), at(60), standard)).toEqual([]);
  expect(newFindings(at(59), at(60), standard)).toMatchObject([{ code: 'coverage' }]);
});

test('equal failures have one fingerprint, whatever their numbers and times', () => {
  const first = fingerprintOf('test', 'FAIL in 1.203 s\n  at 0x7f3a');

  expect(first).toBe(fingerprintOf('test', 'FAIL in 7.5 s\n at 0xff'));
  expect(fingerprintOf('lint', 'FAIL')).not.toBe(fingerprintOf('test', 'FAIL'));
});

test('the score weighs what a repository has', () => {
  const verdict = (kind: 'build' | 'test' | 'lint', state: 'passed' | 'old') => ({
    gate: { ...gate, name: kind, kind },
    state,
  });

  expect(scoreOf([verdict('build', 'passed'), verdict('test', 'old')])).toBe(
    'checks: build passed, test failed before too; score 46 of 100',
  );
  expect(scoreOf([verdict('lint', 'passed')])).toBe('checks: lint passed; score 100 of 100');
});
