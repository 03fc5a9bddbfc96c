// What `ado show` tells of the steps of a task:
//   - a gate is judged by its last run in the latest attempt; failed ones come first, with their places
//   - few steps are shown whole; of many, failures and the end, and what is left out is counted
import type { Finding, Step } from '../../contracts/step.schema.ts';
import { createPaint } from '../terminal.ts';
import { formatChecks, listChecks } from './checks.ts';
import { formatSteps } from './step-tree.ts';

const format = { paint: createPaint(false), width: 100, all: false };

let clockMs = 0;
function aStep(kind: Step['kind'], change: Partial<Step> = {}): Step {
  clockMs += 1_000;
  return {
    attempt: 1,
    step: 1,
    kind,
    status: 'succeeded',
    summary: kind,
    costMicroUsd: 0,
    startedAt: new Date(clockMs).toISOString(),
    endedAt: new Date(clockMs + 500).toISOString(),
    ...change,
  };
}

function aGate(gate: string, findings?: Finding[], change: Partial<Step> = {}): Step {
  return findings === undefined
    ? aStep('gate', { gate, summary: gate, ...change })
    : aStep('gate', { gate, summary: `${gate}: broken`, status: 'failed', findings, ...change });
}

const finding: Finding = {
  tool: 'tsc',
  file: 'a.ts',
  line: 3,
  column: 7,
  code: 'TS1',
  message: 'no',
};

it('judges a gate by its last run; failed ones come first', () => {
  const checks = listChecks([
    aGate('build'),
    aGate('test', [finding]),
    aGate('lint'),
    aGate('test', [finding, finding]),
    aGate('lint', [finding]),
    aGate('lint'),
  ]);

  expect(checks.map(({ gate, ok, runs }) => [gate, ok, runs])).toEqual([
    ['test', false, 2],
    ['build', true, 1],
    ['lint', true, 3],
  ]);
});

it('judges by the latest attempt only', () => {
  const checks = listChecks([aGate('test', [finding]), aGate('build', undefined, { attempt: 2 })]);

  expect(checks.map(({ gate }) => gate)).toEqual(['build']);
});

it('tells verdicts from runs on the base commit and from what all come to', () => {
  const steps = [
    aStep('gate-base', { gate: 'test', summary: 'test on the base commit: failed, 1 finding' }),
    aGate('checks'),
    aGate('test', undefined, { summary: 'test: 1 finding, and the base commit has it, too' }),
    aStep('checks', { summary: 'checks: test passed; score 90 of 100' }),
  ];

  expect(formatChecks(steps, format)).toEqual([
    '  ✓ checks  0.5s',
    '  ✓ test  1 finding, and the base commit has it, too  0.5s',
    '  checks: test passed; score 90 of 100',
  ]);
});

it('shows gates of an earlier version, which kept no names, as the last round left them', () => {
  const steps = [
    aStep('gate', { summary: 'test: broken', status: 'failed', findings: [finding] }),
    aStep('gate', { step: 2, summary: 'test' }),
    aStep('gate', { step: 2, summary: 'checks: test passed; score 100 of 100' }),
  ];

  expect(formatChecks(steps, format)).toEqual([
    '  ✓ test  0.5s',
    '  ✓ checks: test passed; score 100 of 100  0.5s',
  ]);
});

it('says where a check failed, of many findings the first', () => {
  const findings = Array.from({ length: 14 }, (_, index) => ({ ...finding, line: index + 1 }));

  const some = formatChecks([aGate('types', findings)], format);
  const all = formatChecks([aGate('types', findings)], { ...format, all: true });

  expect(some[0]).toBe('  ✗ types  0.5s, 14 findings');
  expect(some[1]).toBe('      a.ts:1:7  TS1  no');
  expect(some.at(-1)).toBe('      … and 4 more: --steps all');
  expect(all).toHaveLength(15);
});

it('a finding cannot steer the terminal', () => {
  const hostile = {
    tool: 'x',
    file: 'a\u001b[2J\nb',
    code: '\u001b]0;x\u0007',
    message: 'm\r\n\u009bx',
  };

  const text = formatChecks([aGate('test', [hostile])], format).join('\n');

  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(text.split('\n')).toHaveLength(2);
});

it('groups what an agent does by turns; preparation and delivery stand outside', () => {
  const lines = formatSteps(
    [
      aStep('workspace'),
      aStep('model', { costMicroUsd: 1_200, summary: 'edit_file' }),
      aStep('tools', { summary: 'edit_file a.js' }),
      aGate('test', [finding]),
      aStep('model'),
      aGate('test'),
      aStep('deliver', { summary: 'ado/x' }),
    ],
    format,
  );

  expect(lines).toEqual([
    '  ✓ workspace workspace  0.5s',
    '  turn 1  1.5s  $0.0012',
    '    ✓ model     edit_file  0.5s  $0.0012',
    '    ✓ tools     edit_file a.js  0.5s',
    '    ✗ gate      test: broken  0.5s',
    '  turn 2  1.0s',
    '    ✓ model     model  0.5s',
    '    ✓ gate      test  0.5s',
    '  ✓ deliver   ado/x  0.5s',
  ]);
});

describe('of many steps', () => {
  const turns = Array.from({ length: 100 }, (_, index) => [
    aStep('model', { costMicroUsd: 100 }),
    ...Array.from({ length: 10 }, () => aStep('tools')),
    index === 40 ? aGate('test', [finding]) : aGate('test'),
  ]).flat();

  it('shows the failed turn and the last ones, and counts the rest', () => {
    const lines = formatSteps([aStep('workspace'), ...turns], format);

    expect(lines.length).toBeLessThan(20);
    expect(lines[1]).toBe('  … turns 1–40: 480 steps, 4m00s  $0.0040 (--steps all)');
    expect(lines[2]).toMatch(/^ {2}turn 41 /);
    expect(lines).toContain('    ✓ tools     10 calls  5.0s');
    expect(lines.join('\n')).toContain('✗ gate');
    expect(lines.join('\n')).toMatch(/… turns 42–98: .*\n {2}turn 99 /);
  });

  it('shows every one when asked to', () => {
    expect(formatSteps(turns, { ...format, all: true })).toHaveLength(1_300);
  });
});

it('earlier attempts are a line each', () => {
  const lines = formatSteps(
    [aStep('model'), aGate('test', [finding]), aStep('model', { attempt: 2 })],
    format,
  );

  expect(lines).toEqual([
    'attempt 1  1.0s',
    'attempt 2  0.5s',
    '  turn 1  0.5s',
    expect.any(String),
  ]);
});
