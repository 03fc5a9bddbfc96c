import { toDollars } from './texts.ts';

test('dollars for programs are exact', () => {
  expect([1, 1_250_000, 123_456_789].map(toDollars)).toEqual([
    '0.000001',
    '1.250000',
    '123.456789',
  ]);
});
