import { waitAfterLookMs } from './tree-usage.ts';

test('looks that are cheap come four times a second', () => {
  expect(waitAfterLookMs(0)).toBe(250);
  expect(waitAfterLookMs(12)).toBe(250);
});

test('looks that are dear come as rarely as takes a twentieth of a processor', () => {
  expect(waitAfterLookMs(50)).toBe(1_000);
});

test('no tree is above its bounds for long, however many processes there are', () => {
  expect(waitAfterLookMs(5_000)).toBe(2_000);
});
