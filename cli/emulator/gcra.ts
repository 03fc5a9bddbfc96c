/**
 * GCRA, the leaky bucket whose whole state is one number: the theoretical arrival time (TAT), at which the bucket is
 * full again. Times are milliseconds of any clock that does not go back. Written from the algorithm (ITU-T I.371) and
 * on purpose not shared with the limiter of ado, against which it bears witness.
 */
import type { Rate } from './script.ts';

/** A bucket: when it is full again, and its rate. */
export interface Bucket {
  readonly fullAtMs: number;
  readonly rate: Rate;
}

/** Rounding of doubles must not make the fifth of five calls wait. */
const epsilonMs = 1e-6;

/** Answers how long a cost would have to wait; 0 when it may pass. More than the burst would wait for ever: Infinity. */
export function waitMs({ fullAtMs, rate }: Bucket, cost: number, nowMs: number): number {
  if (cost > burstOf(rate)) return Infinity;
  const wait = Math.max(fullAtMs, nowMs) + emissionMs(rate) * (cost - burstOf(rate)) - nowMs;
  return wait <= epsilonMs ? 0 : wait;
}

/** Takes a cost, into debt if need be; answers when the bucket is full again. */
export function take({ fullAtMs, rate }: Bucket, cost: number, nowMs: number): number {
  return Math.max(fullAtMs, nowMs) + emissionMs(rate) * cost;
}

/** What is in the bucket, in whole units; 0 when it is in debt. */
export function remaining({ fullAtMs, rate }: Bucket, nowMs: number): number {
  const used = Math.max(0, fullAtMs - nowMs) / emissionMs(rate);
  return Math.max(0, Math.floor(burstOf(rate) - used + epsilonMs));
}

function burstOf(rate: Rate): number {
  return rate.burst ?? rate.perMinute;
}

function emissionMs(rate: Rate): number {
  return 60_000 / rate.perMinute;
}
