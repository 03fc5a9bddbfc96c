import { AppError } from '../contracts/errors.ts';
import { waitForStore } from './wait-for-store.ts';

const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent };

test('a failure that waiting does not mend is thrown at once', async () => {
  const attempt = () => Promise.reject(new Error('migration 0002 is broken'));

  await expect(waitForStore(attempt, log, new AbortController().signal)).rejects.toThrow('0002');
});

test('a stop ends the wait', async () => {
  const stopping = new AbortController();
  const attempt = () => Promise.reject(new AppError('STORE_UNAVAILABLE', 'gone'));
  const told: object[] = [];
  const telling = {
    ...log,
    warn: (fields: object) => {
      told.push(fields);
      stopping.abort();
    },
  };

  await expect(waitForStore(attempt, telling, stopping.signal)).rejects.toThrow('abort');
  expect(told).toEqual([{ tries: 1, reason: 'gone' }]);
});
