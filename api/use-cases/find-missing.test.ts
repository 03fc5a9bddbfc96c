import type { Dependency } from '../deps.ts';
import { findMissing } from './find-missing.ts';

const ready: Dependency = { code: 'STORE_UNAVAILABLE', isReady: () => Promise.resolve(true) };
const hanging: Dependency = {
  code: 'LIMITER_UNAVAILABLE',
  isReady: () => new Promise(() => undefined),
};
const failing: Dependency = {
  code: 'ENGINE_UNAVAILABLE',
  isReady: () => Promise.reject(new Error('down')),
};

test('nothing is missing when all services say yes', async () => {
  expect(await findMissing([ready, ready])).toBeUndefined();
});

test('a service that does not answer in time is missing, and the first one is named', async () => {
  expect(await findMissing([ready, hanging, failing], 1)).toBe(hanging);
});

test('a service that fails is missing', async () => {
  expect(await findMissing([ready, failing])).toBe(failing);
});
