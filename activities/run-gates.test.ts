import { findingsOf, fingerprintOf } from './run-gates.ts';

test('findings are read from the lines that compilers, linters and test runners write', () => {
  const text = [
    'src/index.ts:12:5: error TS2322: wrong type',
    'lib/a.js(3,1): unexpected token',
    '  at Object.<anonymous> (node:internal/main:1:1)',
    'all went well',
  ].join('\n');

  expect(findingsOf('build', text)).toEqual([
    { tool: 'build', file: 'src/index.ts', line: 12, message: 'error TS2322: wrong type' },
    { tool: 'build', file: 'lib/a.js', line: 3, message: 'unexpected token' },
  ]);
});

test('equal failures have one fingerprint, whatever their numbers and times', () => {
  const first = fingerprintOf('test', 'FAIL in 1.203 s\n  at 0x7f3a');
  const second = fingerprintOf('test', 'FAIL in 0.9 s\n   at 0x11');

  expect(first).toBe(fingerprintOf('test', 'FAIL in 7.5 s\n at 0xff'));
  expect(fingerprintOf('lint', 'FAIL')).not.toBe(fingerprintOf('test', 'FAIL'));
  expect(second).toHaveLength(16);
});
