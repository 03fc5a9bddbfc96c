/** Arguments of the limiter's scripts: doubles, as one binary string. Their order is told in the head of each script. */
import type { Charges, CallOutcome, MeteredDimension, LimitScope } from '../../ports.ts';
import { dayEndOf } from '../../../config/day-end.ts';

/** Doubles as Redis' `struct.unpack` reads them. Both sides are little-endian. */
export function pack(numbers: readonly number[]): Buffer {
  return Buffer.from(new Float64Array(numbers).buffer);
}

/** The two doubles of a dimension, as reserve.lua tells them. `nowMs` is Redis' time as far as it is known. */
export function doublesOf(dimension: MeteredDimension, nowMs: number): [number, number] {
  const first = firstDoubleOf(dimension);
  if (dimension.kind === 'rate') return [first, first * dimension.burst];
  const { period, timeZone } = dimension;
  return [first, 1_000 * (period === 'day' ? dayEnds.of(nowMs, timeZone) : period)];
}

function firstDoubleOf(dimension: MeteredDimension): number {
  return dimension.kind === 'rate' ? (dimension.perMs * 1_000) / dimension.limit : -dimension.limit;
}

/** What a call is charged in the end, dimension for dimension; -1 keeps what was reserved. */
function actualOf({ charge }: MeteredDimension, outcome: CallOutcome): number {
  switch (outcome.kind) {
    case 'success':
      return outcome.actual[charge];
    case 'unknown':
      return -1;
    case 'not_sent':
      return 0;
    case 'rate_limited':
    case 'overloaded':
    case 'failed':
      return charge === 'requests' || outcome.keepsCharges === true ? -1 : 0;
    case 'rejected':
      return charge === 'requests' ? -1 : 0;
  }
}

/** What is the same in every call with the same scopes. */
interface Layout {
  /** As for reserve.lua; the head and the ends of days are filled in by each call. */
  readonly reserve: Float64Array;
  /** As for settle.lua; the head is filled in by each call. */
  readonly settle: Float64Array;
  readonly dimensions: readonly MeteredDimension[];
  /** Windows, and where their second double stands in `reserve`. */
  readonly windows: readonly { readonly at: number; readonly dimension: MeteredDimension }[];
}

/** Numbers before the first scope, in both scripts. */
const headLength = 6;
/** Made once for each array of scopes: to make all of it anew was an eighth of the CPU of a pair in this process. */
const layouts = new WeakMap<readonly LimitScope[], Layout>();

function layoutOf(scopes: readonly LimitScope[]): Layout {
  const known = layouts.get(scopes);
  if (known !== undefined) return known;
  const windows: { at: number; dimension: MeteredDimension }[] = [];
  const head = Array.from({ length: headLength - 1 }, () => 0);
  const [reserve, settle] = [
    [...head, scopes.length],
    [...head, scopes.length],
  ];
  for (const { dimensions, maxConcurrent = 0, share = false } of scopes) {
    const numbers = [dimensions.length, maxConcurrent, share ? 1 : 0];
    reserve.push(...numbers);
    settle.push(...numbers);
    for (const dimension of dimensions) {
      const first = firstDoubleOf(dimension);
      const second = dimension.kind === 'rate' ? first * dimension.burst : 0;
      reserve.push(first, second);
      settle.push(first);
      if (dimension.kind === 'window') windows.push({ at: reserve.length - 1, dimension });
    }
  }
  const layout: Layout = {
    reserve: new Float64Array(reserve),
    settle: new Float64Array(settle),
    dimensions: scopes.flatMap(({ dimensions }) => dimensions),
    windows,
  };
  layouts.set(scopes, layout);
  return layout;
}

/** The arguments of reserve.lua between id and uses of windows. The scopes must not change after the first call. */
export function packReserve(
  head: { leaseMs: number; horizonMs: number; headroom: number; lane: number },
  { scopes, charges, nowMs }: { scopes: readonly LimitScope[]; charges: Charges; nowMs: number },
): [Buffer, Buffer] {
  const { reserve, dimensions, windows } = layoutOf(scopes);
  const numbers = reserve.slice();
  numbers[0] = head.leaseMs * 1_000;
  numbers[1] = head.horizonMs * 1_000;
  numbers[2] = head.headroom;
  numbers[3] = head.lane;
  numbers[4] = windows.length > 0 ? 1 : 0;
  for (const { at, dimension } of windows) numbers[at] = doublesOf(dimension, nowMs)[1];
  const costs = new Float64Array(dimensions.length);
  for (const [index, { charge }] of dimensions.entries()) costs[index] = charges[charge];
  return [Buffer.from(numbers.buffer), Buffer.from(costs.buffer)];
}

const outcomes: readonly CallOutcome['kind'][] = [
  'success',
  'rate_limited',
  'overloaded',
  'failed',
  'rejected',
  'not_sent',
  'unknown',
];

/** The arguments of settle.lua after the id. The scopes must not change after the first call. */
export function packSettle(
  head: { grant: number; openMs: number; longestOpenMs: number },
  { scopes, outcome }: { scopes: readonly LimitScope[]; outcome: CallOutcome },
): [Buffer, Buffer, Buffer | ''] {
  const { settle, dimensions } = layoutOf(scopes);
  const isLimited = outcome.kind === 'rate_limited';
  const numbers = settle.slice();
  numbers[0] = head.grant;
  numbers[1] = outcomes.indexOf(outcome.kind);
  numbers[2] = isLimited ? (outcome.retryAfterMs ?? 0) * 1_000 : 0;
  numbers[3] = head.openMs * 1_000;
  numbers[4] = head.longestOpenMs * 1_000;
  const actual = new Float64Array(dimensions.length);
  for (const [index, dimension] of dimensions.entries()) {
    actual[index] = actualOf(dimension, outcome);
  }
  return [
    Buffer.from(numbers.buffer),
    Buffer.from(actual.buffer),
    isLimited ? pack(scopes.flatMap(burstsUsOf)) : '',
  ];
}

/** Zero for windows, and for shares, which are not the provider's. */
function burstsUsOf({ dimensions, share = false }: LimitScope): number[] {
  return dimensions.map((dimension) =>
    dimension.kind === 'rate' && !share ? firstDoubleOf(dimension) * dimension.burst : 0,
  );
}

/** Ends of days, searched once a day and zone. */
const dayEnds = {
  known: new Map<string, { fromMs: number; endMs: number }>(),
  of(nowMs: number, timeZone: string): number {
    const known = this.known.get(timeZone);
    if (known !== undefined && nowMs >= known.fromMs && nowMs < known.endMs) return known.endMs;
    const endMs = dayEndOf(nowMs, timeZone);
    this.known.set(timeZone, { fromMs: nowMs, endMs });
    return endMs;
  },
};
