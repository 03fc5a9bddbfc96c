import { mapLimited } from './map-limited.ts';

test('no more than the limit are under way, and answers keep the order of the items', async () => {
  let [under, most] = [0, 0];

  const doubled = await mapLimited([1, 2, 3, 4, 5, 6, 7], 3, async (item, index) => {
    under += 1;
    most = Math.max(most, under);
    for (let turn = 0; turn < 7 - index; turn += 1) await Promise.resolve();
    under -= 1;
    return item * 2;
  });

  expect(doubled).toEqual([2, 4, 6, 8, 10, 12, 14]);
  expect(most).toBe(3);
});

test('a rejection rejects the whole', async () => {
  const failing = mapLimited([1, 2], 2, (item) =>
    item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(),
  );

  await expect(failing).rejects.toThrow('two');
});
