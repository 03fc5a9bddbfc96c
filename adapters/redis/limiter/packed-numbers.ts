/** Arguments of the limiter's scripts: doubles, as one binary string. Their order is told in the head of each script. */
import type {
  Charges,
  CallOutcome,
  LimitScope,
  MeteredDimension,
  RateDimension,
  WindowDimension,
} from '../../ports.ts';
import { dayEndOf } from '../../../config/day-end.ts';
import type { ChargeRule } from '../../../config/providers-config.ts';

/** Doubles as Redis' `struct.unpack` reads them. Both sides are little-endian. */
export function pack(numbers: readonly number[]): Buffer {
  return Buffer.from(new Float64Array(numbers).buffer);
}

/**
 * A dimension in two doubles, for peek.lua and sync.lua. Rate: µs per unit, burst in µs. Window: minus its limit, its end
 * or (a number below 10^14) its length in µs. `nowMs` is Redis' time as far as it is known.
 */
export function doublesOf(dimension: MeteredDimension, nowMs: number): [number, number] {
  if (dimension.kind === 'rate') return [unitUsOf(dimension), burstUsOf(dimension)];
  return [-dimension.limit, windowUsOf(dimension, nowMs)];
}

function unitUsOf({ perMs, limit }: RateDimension): number {
  return (perMs * 1_000) / limit;
}

function burstUsOf(dimension: RateDimension): number {
  return unitUsOf(dimension) * dimension.burst;
}

function windowUsOf({ period, timeZone }: WindowDimension, nowMs: number): number {
  return 1_000 * (period === 'day' ? dayEnds.of(nowMs, timeZone) : period);
}

/** What a call is charged in the end by one rule; -1 keeps what was reserved. */
function actualOf(charge: ChargeRule, outcome: CallOutcome): number {
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
  /** As for reserve.lua; each call fills in the head, the costs and the ends of days. */
  readonly reserve: Float64Array;
  /** As for settle.lua; each call fills in the head and the costs. */
  readonly settle: Float64Array;
  /** As for settle.lua after a 429: the former, and the bursts. */
  readonly settleLimited: Float64Array;
  /** Of every dimension. */
  readonly charges: readonly ChargeRule[];
  /** Of every dimension what one unit costs: µs of a rate, 1 of a window. */
  readonly units: readonly number[];
  /** Where the costs begin. */
  readonly costsAt: { readonly reserve: number; readonly settle: number };
  /** Windows, and where their second double stands in `reserve`. */
  readonly windows: readonly { readonly at: number; readonly dimension: WindowDimension }[];
}

/** Numbers before the first scope: of reserve.lua, of settle.lua. */
const headLengths = { reserve: 7, settle: 8 } as const;
/** Made once for each array of scopes: to make all of it anew was an eighth of the CPU of a pair in this process. */
const layouts = new WeakMap<readonly LimitScope[], Layout>();

function layoutOf(scopes: readonly LimitScope[]): Layout {
  let layout = layouts.get(scopes);
  if (layout === undefined) {
    layout = makeLayout(scopes);
    layouts.set(scopes, layout);
  }
  return layout;
}

function makeLayout(scopes: readonly LimitScope[]): Layout {
  const dimensions = scopes.flatMap((scope) => scope.dimensions);
  const all = dimensions.length;
  const bursts = dimensions.map((each) => (each.kind === 'rate' ? burstUsOf(each) : 0));
  const burstsAt = headLengths.reserve + 3 * scopes.length;
  const windows = dimensions.flatMap((dimension, index) =>
    dimension.kind === 'window' ? [{ at: burstsAt + index, dimension }] : [],
  );
  const hasWindows = windows.length > 0;
  const noCosts = dimensions.map(() => 0);
  const reserve = [
    ...[0, 0, 0, 0, hasWindows ? 1 : 0, scopes.length, all],
    ...scopes.flatMap(({ dimensions: { length }, maxConcurrent = 0, share = false }) => [
      ...[length, maxConcurrent, share ? 1 : 0],
    ]),
    ...bursts,
    ...noCosts,
    ...(hasWindows ? dimensions.map((each) => (each.kind === 'window' ? each.limit : 0)) : []),
  ];
  const settle = [
    ...[0, 0, 0, 0, 0, hasWindows ? 1 : 0, scopes.length, all],
    ...scopes.flatMap(({ dimensions: { length }, share = false }) => [length, share ? 1 : 0]),
    ...noCosts,
    ...(hasWindows ? dimensions.map(({ kind }) => (kind === 'window' ? 1 : 0)) : []),
  ];
  // Of shares too none: they are not the provider's.
  const emptied = scopes.flatMap(({ dimensions: own, share = false }) =>
    own.map((each) => (each.kind === 'rate' && !share ? burstUsOf(each) : 0)),
  );
  return {
    reserve: new Float64Array(reserve),
    settle: new Float64Array(settle),
    settleLimited: new Float64Array([...settle, ...emptied]),
    charges: dimensions.map(({ charge }) => charge),
    units: dimensions.map((each) => (each.kind === 'rate' ? unitUsOf(each) : 1)),
    costsAt: { reserve: burstsAt + all, settle: headLengths.settle + 2 * scopes.length },
    windows,
  };
}

/** The first argument of reserve.lua. The scopes must not change after the first call. */
export function packReserve(
  head: { leaseMs: number; horizonMs: number; headroom: number; lane: number },
  { scopes, charges, nowMs }: { scopes: readonly LimitScope[]; charges: Charges; nowMs: number },
): Buffer {
  const layout = layoutOf(scopes);
  const numbers = layout.reserve.slice();
  numbers[0] = head.leaseMs * 1_000;
  numbers[1] = head.horizonMs * 1_000;
  numbers[2] = head.headroom;
  numbers[3] = head.lane;
  for (const { at, dimension } of layout.windows) numbers[at] = windowUsOf(dimension, nowMs);
  let at = layout.costsAt.reserve;
  for (const [index, charge] of layout.charges.entries()) {
    numbers[at] = charges[charge] * (layout.units[index] ?? 1);
    at += 1;
  }
  return Buffer.from(numbers.buffer);
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

/** The argument of settle.lua. The scopes must not change after the first call. */
export function packSettle(
  head: { grant: number; openMs: number; longestOpenMs: number },
  { scopes, outcome }: { scopes: readonly LimitScope[]; outcome: CallOutcome },
): Buffer {
  const layout = layoutOf(scopes);
  const isLimited = outcome.kind === 'rate_limited';
  const numbers = (isLimited ? layout.settleLimited : layout.settle).slice();
  numbers[0] = head.grant;
  numbers[1] = outcomes.indexOf(outcome.kind);
  numbers[2] = isLimited ? (outcome.retryAfterMs ?? 0) * 1_000 : 0;
  numbers[3] = head.openMs * 1_000;
  numbers[4] = head.longestOpenMs * 1_000;
  let at = layout.costsAt.settle;
  for (const [index, charge] of layout.charges.entries()) {
    const actual = actualOf(charge, outcome);
    numbers[at] = actual < 0 ? -1 : actual * (layout.units[index] ?? 1);
    at += 1;
  }
  return Buffer.from(numbers.buffer);
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
