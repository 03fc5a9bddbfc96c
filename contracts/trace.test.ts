import { parseTraceparent, toTraceparent } from './trace.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

test.each([
  [`00-${traceId}-${spanId}-01`, true],
  [`00-${traceId}-${spanId}-00`, false],
  // A later version may say more, and means the same.
  [`cc-${traceId}-${spanId}-03-more`, true],
])('%s is read', (text, sampled) => {
  expect(parseTraceparent(text)).toEqual({ traceId, spanId, sampled });
});

test.each([
  undefined,
  7,
  '',
  `00-${traceId}-${spanId}`,
  `00-${'0'.repeat(32)}-${spanId}-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `00-${traceId.toUpperCase()}-${spanId}-01`,
  `ff-${traceId}-${spanId}-01`,
])('%s is none', (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

test('what is written is read as it was', () => {
  const context = { traceId, spanId, sampled: true };

  expect(parseTraceparent(toTraceparent(context))).toEqual(context);
});
