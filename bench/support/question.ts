/** What every question of the benchmark is. */
import type { Platform } from './platform.ts';

/** One measured figure. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  /** What it has to keep to, in words; absent where it is only told. */
  readonly bar?: string;
  readonly holds?: boolean;
}

/** Answer to a question: figures, and lines on how they came about. */
export interface Answer {
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

/** An answer as it is reported. */
export interface Answered {
  readonly question: Question;
  readonly answer: Answer;
  /** Share of the machine's CPU that processes which do not belong to the run used meanwhile, 0–1. */
  readonly foreignLoad: number;
}

/** What a question is asked of. */
export interface Bench {
  readonly platform: Platform;
  /** Rounds in which what is compared takes turns; their medians count. */
  readonly rounds: number;
  /** Tells how far it is. */
  readonly say: (text: string) => void;
}

/** One question: a file in bench/, named like it. */
export interface Question {
  readonly name: string;
  readonly title: string;
  readonly ask: (bench: Bench) => Promise<Answer>;
}

/** A figure that must not be above a limit. */
export function atMost(
  what: string,
  value: number,
  { limit, unit }: { limit: number; unit: string },
): Figure {
  return {
    what,
    measured: `${round(value)}${unit}`,
    bar: `≤ ${limit}${unit}`,
    holds: value <= limit,
  };
}

/** A figure that must not be below a limit. */
export function atLeast(
  what: string,
  value: number,
  { limit, unit }: { limit: number; unit: string },
): Figure {
  return {
    what,
    measured: `${round(value)}${unit}`,
    bar: `≥ ${limit}${unit}`,
    holds: value >= limit,
  };
}

/** A figure without a bar. */
export function told(what: string, measured: string): Figure {
  return { what, measured };
}

/** Three significant digits, whole from 100 on. */
export function round(value: number): string {
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
