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
    case 'rejected':
      return charge === 'requests' ? -1 : 0;
  }
}

/** The arguments of reserve.lua between id and uses of windows. */
export function packReserve(
  head: { leaseMs: number; horizonMs: number; headroom: number; lane: number },
  { scopes, charges, nowMs }: { scopes: readonly LimitScope[]; charges: Charges; nowMs: number },
): [Buffer, Buffer] {
  const numbers = [head.leaseMs * 1_000, head.horizonMs * 1_000, head.headroom, head.lane];
  const costs: number[] = [];
  const windows = numbers.push(0) - 1;
  numbers.push(scopes.length);
  for (const { dimensions, maxConcurrent = 0, share = false } of scopes) {
    numbers.push(dimensions.length, maxConcurrent, share ? 1 : 0);
    for (const dimension of dimensions) {
      numbers.push(...doublesOf(dimension, nowMs));
      costs.push(charges[dimension.charge]);
      if (dimension.kind === 'window') numbers[windows] = 1;
    }
  }
  return [pack(numbers), pack(costs)];
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

/** The arguments of settle.lua after the id. */
export function packSettle(
  head: { grant: number; openMs: number; longestOpenMs: number },
  { scopes, outcome }: { scopes: readonly LimitScope[]; outcome: CallOutcome },
): [Buffer, Buffer, Buffer | ''] {
  const pauseMs = outcome.kind === 'rate_limited' ? (outcome.retryAfterMs ?? 0) : 0;
  const numbers = [
    head.grant,
    outcomes.indexOf(outcome.kind),
    pauseMs * 1_000,
    head.openMs * 1_000,
    head.longestOpenMs * 1_000,
    scopes.length,
  ];
  const actual: number[] = [];
  for (const { dimensions, maxConcurrent = 0, share = false } of scopes) {
    numbers.push(dimensions.length, maxConcurrent, share ? 1 : 0);
    for (const dimension of dimensions) {
      numbers.push(firstDoubleOf(dimension));
      actual.push(actualOf(dimension, outcome));
    }
  }
  return [
    pack(numbers),
    pack(actual),
    outcome.kind === 'rate_limited' ? pack(scopes.flatMap(burstsUsOf)) : '',
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
