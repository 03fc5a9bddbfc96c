/** Values as people write them on the command line: durations, money, shares, `name=value`. */
import { AppError } from '../contracts/errors.ts';
import { suggestWord } from '../config/closest-word.ts';

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads `90s`, `30m`, `1.5h` as milliseconds. @throws USAGE */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = unitsMs[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new AppError(
      'USAGE',
      `"${text}" is no duration: write a number and ms, s, m, h or d, such as 30m.`,
    );
  }
  return Math.round(Number(match[1]) * unit);
}

/** Reads `2.50` or `$2.50` US dollars as millionths of a dollar. @throws USAGE */
export function parseMicroUsd(text: string): number {
  const match = /^\$?(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text);
  const microUsd =
    match === null ? 0 : Number(match[1]) * 1_000_000 + Number((match[2] ?? '').padEnd(6, '0'));
  if (microUsd > 0) return microUsd;
  throw new AppError('USAGE', `"${text}" is no amount: write US dollars above 0, such as 2.50.`);
}

/** The same for an amount above which somebody is asked: 0 asks before anything is spent. @throws USAGE */
export function parseThresholdMicroUsd(text: string): number {
  return /^\$?0(?:\.0{1,6})?$/.test(text) ? 0 : parseMicroUsd(text);
}

/** Reads a failure budget: `5` items, or `10%` as the share 0.1. @throws USAGE */
export function parseFailureBudget(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text);
  const value = Number(share?.[1]) / 100;
  if (value > 0 && value < 1) return value;
  throw new AppError(
    'USAGE',
    `"${text}" is no failure budget: write a count such as 5, or a share such as 10%.`,
  );
}

/** Limits of a whole number. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Makes a reader of whole numbers. It throws USAGE outside the range. */
export function integerIn({ min, max }: Range): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new AppError('USAGE', `"${text}" is no whole number from ${min} to ${max}.`);
  };
}

/** Makes a reader of one of several words. It throws USAGE with a suggestion for any other. */
export function oneOf<const T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    throw new AppError('USAGE', `"${text}" is not known here${suggestWord(text, words)}`);
  };
}

/** Makes a reader of comma-separated words. */
export function listOf<const T extends string>(words: readonly T[]): (text: string) => T[] {
  const parse = oneOf(words);
  return (text) => text.split(',').map((word) => parse(word.trim()));
}

/** Reads `name=value`, at the first equals sign. @throws USAGE */
export function parsePair(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new AppError('USAGE', `"${text}" is not of the form name=value.`);
}
