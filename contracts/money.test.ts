import { formatMicroUsd } from './money.ts';

test.each([
  [0, '$0.00'],
  [1, '$0.000001'],
  [99, '$0.000099'],
  [100, '$0.0001'],
  [12_345, '$0.0123'],
  [1_250_000, '$1.25'],
  [123_456_789, '$123.46'],
])('%d micro-dollars are shown as %s', (microUsd, text) => {
  expect(formatMicroUsd(microUsd)).toBe(text);
});
