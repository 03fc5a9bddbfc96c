import { drawSample } from './sample.ts';

const all = Array.from({ length: 100 }, (_, index) => `/r/${index}`);
const draw = (values: readonly string[], seed: string, count = 5): string[] =>
  drawSample(values, { count, seed, keyOf: (value) => value });

it('the same seed draws the same targets, whatever their order', () => {
  const first = draw(all, '1');

  expect(draw(all, '1')).toEqual(first);
  expect(draw([...all].reverse(), '1').sort()).toEqual([...first].sort());
});

it('another seed draws others', () => {
  expect(draw(all, '2')).not.toEqual(draw(all, '1'));
});

it('a sample is in the order of the list and never larger than it', () => {
  const drawn = draw(all, '1', 20);

  expect(drawn).toEqual(all.filter((value) => drawn.includes(value)));
  expect(draw(all.slice(0, 3), '1')).toHaveLength(3);
});

it('one more target displaces at most one', () => {
  const before = draw(all, '1', 10);

  const after = draw([...all, '/r/new'], '1', 10);

  expect(before.filter((value) => !after.includes(value)).length).toBeLessThanOrEqual(1);
});

it('targets named twice are drawn apart', () => {
  expect(draw(['/r/a', '/r/a'], '1', 2)).toHaveLength(2);
});
