import { AppError } from '../contracts/errors.ts';
import { toActivityFailure } from './failures.ts';

test.each([
  [0, 1],
  [-5, 1],
  [2_000, 2_000],
  [undefined, undefined],
])(
  'a wish to try again after %p ms becomes a delay of %p ms, and never "not at all"',
  (wish, delay) => {
    const error = new AppError('WORKER_LOST', 'another one goes on', {
      ...(wish === undefined ? {} : { retryAfterMs: wish }),
    });

    expect(toActivityFailure(error, 1)).toMatchObject({
      type: 'WORKER_LOST',
      nonRetryable: false,
      nextRetryDelay: delay,
    });
  },
);
