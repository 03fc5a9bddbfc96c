import { AppError } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { exitCodeOf, exitCodeOfCounts, exitCodeOfTask } from './exit-codes.ts';

it.each([
  ['USAGE', 2],
  ['FILE_INVALID', 2],
  ['INVALID_REQUEST', 2],
  ['IDEMPOTENCY_KEY_REUSED', 2],
  ['KEY_INVALID', 4],
  ['SCOPE_MISSING', 4],
  ['TASK_NOT_FOUND', 5],
  ['REPOSITORY_NOT_FOUND', 5],
  ['CONTEXT_NOT_FOUND', 5],
  ['TASK_ALREADY_ENDED', 6],
  ['TARGET_EXISTS', 6],
  ['BUDGET_EXCEEDED', 7],
  ['SERVER_UNREACHABLE', 69],
  ['STORE_UNAVAILABLE', 69],
  ['INTERNAL', 1],
] as const satisfies readonly (readonly [ErrorCode, number])[])(
  '%s exits with %d',
  (code, expected) => {
    expect(exitCodeOf(new AppError(code, 'x'))).toBe(expected);
  },
);

it('an error of no known kind exits with 1', () => {
  expect(exitCodeOf(new TypeError('x'))).toBe(1);
});

it('failed or cancelled items win over skipped ones', () => {
  const none = {
    succeeded: 1,
    failed: 0,
    skipped_budget: 0,
    skipped_unchanged: 1,
    skipped_optout: 1,
    cancelled: 0,
  };

  const other = { allByBudget: false };
  expect(exitCodeOfCounts({ byOutcome: none }, other)).toBe(0);
  expect(exitCodeOfCounts({ byOutcome: { ...none, skipped_budget: 1 } }, other)).toBe(7);
  expect(exitCodeOfCounts({ byOutcome: { ...none, skipped_budget: 1, cancelled: 1 } }, other)).toBe(
    3,
  );
  expect(exitCodeOfCounts({ byOutcome: { ...none, failed: 1 } }, other)).toBe(3);

  const budget = { allByBudget: true };
  expect(exitCodeOfCounts({ byOutcome: { ...none, failed: 1 } }, budget)).toBe(7);
  expect(exitCodeOfCounts({ byOutcome: { ...none, failed: 1, cancelled: 1 } }, budget)).toBe(3);
});

it('a task that ended without an outcome is taken for failed', () => {
  expect(exitCodeOfTask({ outcome: undefined })).toBe(3);
});

it('a task that its budget ended exits with 7, one that failed otherwise with 3', () => {
  expect(exitCodeOfTask({ outcome: 'failed', errorCode: 'BUDGET_EXCEEDED' })).toBe(7);
  expect(exitCodeOfTask({ outcome: 'failed', errorCode: 'GATE_FAILED' })).toBe(3);
  expect(exitCodeOfTask({ outcome: 'cancelled', errorCode: 'BUDGET_EXCEEDED' })).toBe(3);
});
