// A failure in a line says each thing once.
import { formatFailure } from './event-lines.ts';

test.each([
  [
    { failureClass: 'gate', reason: 'gate', error: 'gate test failed', errorCode: 'GATE_FAILED' },
    'gate test failed  [GATE_FAILED]',
  ],
  [
    { failureClass: 'infra', reason: 'worker', error: 'it was lost', errorCode: 'WORKER_LOST' },
    'infra: worker  it was lost  [WORKER_LOST]',
  ],
  [{ failureClass: 'agent', reason: 'agent' }, 'agent'],
  [{}, ''],
] as const)('%j is one line', (end, line) => {
  expect(formatFailure(end)).toBe(line);
});
