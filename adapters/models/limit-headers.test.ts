import { parseDurationMs, readLimitHeaders } from './limit-headers.ts';

const now = Date.parse('2026-11-21T18:00:00Z');

test('Anthropic tells each limit, and its reset as a date', () => {
  const headers = {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '49',
    'anthropic-ratelimit-requests-reset': '2026-11-21T18:00:01Z',
    'anthropic-ratelimit-input-tokens-limit': '30000',
    'anthropic-ratelimit-input-tokens-remaining': '12000',
    'anthropic-ratelimit-input-tokens-reset': '2026-11-21T18:00:36Z',
    'anthropic-ratelimit-output-tokens-remaining': '0',
    'anthropic-ratelimit-tokens-limit': '38000',
  };

  expect(readLimitHeaders(headers, now)).toEqual([
    { dimension: 'requests', limit: 50, remaining: 49, resetAtMs: now + 1000 },
    { dimension: 'input_tokens', limit: 30_000, remaining: 12_000, resetAtMs: now + 36_000 },
    { dimension: 'output_tokens', limit: undefined, remaining: 0, resetAtMs: undefined },
  ]);
});

test('a subscription tells its windows as shares that are used', () => {
  const headers = {
    'anthropic-ratelimit-unified-5h-utilization': '0.25',
    'anthropic-ratelimit-unified-5h-reset': String(now / 1000 + 3600),
    'anthropic-ratelimit-unified-7d-utilization': '1.02',
  };

  expect(readLimitHeaders(headers, now)).toEqual([
    { dimension: 'unified_5h', limit: 100, remaining: 75, resetAtMs: now + 3_600_000 },
    { dimension: 'unified_7d', limit: 100, remaining: 0, resetAtMs: undefined },
  ]);
});

test('OpenAI tells resets as durations from now', () => {
  const headers = {
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '59',
    'x-ratelimit-reset-requests': '1s',
    'x-ratelimit-limit-tokens': '150000',
    'x-ratelimit-remaining-tokens': '149984',
    'x-ratelimit-reset-tokens': '6m0s',
  };

  expect(readLimitHeaders(headers, now)).toEqual([
    { dimension: 'requests', limit: 60, remaining: 59, resetAtMs: now + 1000 },
    { dimension: 'tokens', limit: 150_000, remaining: 149_984, resetAtMs: now + 360_000 },
  ]);
});

test('headers that say nothing useful give nothing', () => {
  expect(readLimitHeaders({}, now)).toEqual([]);
  expect(readLimitHeaders({ 'x-ratelimit-remaining-tokens': 'many' }, now)).toEqual([]);
  expect(readLimitHeaders({ 'x-ratelimit-remaining-tokens': '-1' }, now)).toEqual([]);
});

test.each([
  ['20ms', 20],
  ['6m0s', 360_000],
  ['1h2m3.5s', 3_723_500],
  ['34.07s', 34_070],
  ['1d', 86_400_000],
  ['12', 12_000],
  ['0', 0],
  ['soon', undefined],
  ['6m 0s', undefined],
  ['', undefined],
  [undefined, undefined],
])('the duration %p is %p ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});
