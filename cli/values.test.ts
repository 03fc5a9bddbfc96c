import { codeOf } from '../contracts/errors.ts';
import {
  oneOf,
  parseDurationMs,
  parseFailureBudget,
  parseMicroUsd,
  parsePair,
  parseThresholdMicroUsd,
} from './values.ts';

it.each([
  ['250ms', 250],
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
])('%s lasts %d ms', (text, expected) => {
  expect(parseDurationMs(text)).toBe(expected);
});

it.each([
  ['2.50', 2_500_000],
  ['$0.1', 100_000],
  ['0.000001', 1],
  // As a binary fraction 1.1 × 1,000,000 is not whole.
  ['1.1', 1_100_000],
])('%s dollars are %d millionths', (text, expected) => {
  expect(parseMicroUsd(text)).toBe(expected);
});

it.each([
  ['0', 0],
  ['$0.00', 0],
  ['2.50', 2_500_000],
])('above %s dollars, %d millionths, somebody is asked', (text, expected) => {
  expect(parseThresholdMicroUsd(text)).toBe(expected);
});

it.each([
  ['5', 5],
  ['0', 0],
  ['10%', 0.1],
])('a failure budget of %s is %d', (text, expected) => {
  expect(parseFailureBudget(text)).toBe(expected);
});

it('a pair is parted at its first equals sign', () => {
  expect(parsePair('test=npm test --x=y')).toEqual(['test', 'npm test --x=y']);
});

it.each([
  ['a duration without unit', () => parseDurationMs('30')],
  ['a negative amount', () => parseMicroUsd('-1')],
  ['nothing', () => parseMicroUsd('0')],
  ['a negative threshold', () => parseThresholdMicroUsd('-1')],
  ['seven decimals', () => parseMicroUsd('0.0000001')],
  ['a share of all', () => parseFailureBudget('100%')],
  ['a pair without a name', () => parsePair('=x')],
  ['an unknown word', () => oneOf(['json'])('jso')],
])('%s is refused', (_, parse) => {
  let code: string | undefined;
  try {
    parse();
  } catch (error) {
    code = codeOf(error);
  }

  expect(code).toBe('USAGE');
});
