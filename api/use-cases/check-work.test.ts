import { rememberCheck } from './check-work.ts';

/** A check whose answers are given by hand, over a clock that stands until it is moved. */
function aCheck() {
  const world = { now: 0, asked: 0, isGood: true };
  const check = rememberCheck(
    () => {
      world.asked += 1;
      return world.isGood ? Promise.resolve() : Promise.reject(new Error('no'));
    },
    { now: () => world.now },
    60_000,
  );
  return { world, check };
}

test('an answer, good or bad, is asked for once in its time', async () => {
  const { world, check } = aCheck();
  world.isGood = false;

  await expect(check()).rejects.toThrow('no');
  world.now = 59_999;
  await expect(check()).rejects.toThrow('no');

  expect(world.asked).toBe(1);
});

test('after its time a bad answer is asked for anew', async () => {
  const { world, check } = aCheck();
  world.isGood = false;
  await expect(check()).rejects.toThrow('no');
  world.isGood = true;
  world.now = 60_000;

  await expect(check()).resolves.toBeUndefined();
});

test('after its time a good answer stands for the caller who finds it old, not for the next one', async () => {
  const { world, check } = aCheck();
  await check();
  world.isGood = false;
  world.now = 60_000;

  await expect(check()).resolves.toBeUndefined();
  await expect(check()).rejects.toThrow('no');
});
