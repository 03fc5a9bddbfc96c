/** The emulator's own record of what it was asked and what it billed: a line for each call, and counts over all of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dimension } from './account-limits.ts';
import type { FormatName } from './script.ts';
import { addUsage, noUsage } from './usage.ts';
import type { Usage } from './usage.ts';

/**
 * How a call ended:
 * - `delivered`: the whole answer was handed to the connection
 * - `cut`: the connection was cut on purpose, after `event` events
 * - `error-event`: an error was sent inside a 200, after `event` events
 * - `lost`: the client had left, after `event` events
 * - `failed`: an error was answered, scripted or because the request was wrong
 * - `refused`: a limit did not allow the call: a violation
 */
export const callOutcomes = [
  'delivered',
  'cut',
  'error-event',
  'lost',
  'failed',
  'refused',
] as const;
export type CallOutcome = (typeof callOutcomes)[number];

/** One line of the log. */
export interface CallLine {
  /** Number of the call, from 1, in the order of their coming. Lines stand in the order of their ends. */
  readonly call: number;
  /** When it came, ISO 8601. */
  readonly at: string;
  /** How long it took, in milliseconds. */
  readonly tookMs: number;
  readonly format: FormatName;
  /** Empty when the request named none. */
  readonly model: string;
  /** Hash of the API key. */
  readonly account: string;
  readonly stream: boolean;
  /** Id of the answer as the client saw it; null when there was none. */
  readonly id: string | null;
  /** HTTP status that was, or would have been, answered. */
  readonly status: number;
  readonly outcome: CallOutcome;
  /** Events sent before the end, for streams that did not come through. */
  readonly event?: number;
  readonly billed: Usage;
  /**
   * The last usage that the client was told; null when none was sent. Of a delivered answer it equals `billed`, or is null
   * on the chat wire, where a stream tells it only when asked to.
   */
  readonly told: Usage | null;
  /** The dimensions that refused the call. */
  readonly violated?: readonly Dimension[];
  /** How much later a refused call would have been let in, in milliseconds. */
  readonly earlyMs?: number;
  /** Id of the answer that this one repeats. */
  readonly duplicateOf?: string;
}

/** Counts over all calls since the start. */
export interface Counts {
  readonly calls: number;
  readonly outcomes: Readonly<Record<CallOutcome, number>>;
  /** Refused calls. */
  readonly violations: number;
  /** Refused calls by dimension; a call may be in several. */
  readonly violationsByDimension: Readonly<Partial<Record<Dimension, number>>>;
  readonly billed: Usage;
  /** Calls that the limits let in and whose answers are being produced. */
  readonly inFlight: number;
  readonly highestInFlight: number;
  /** Questions for a token count, which are free. */
  readonly tokenCounts: number;
}

/** Lines that are kept in memory; counts and the file have all. */
const linesKept = 100_000;
/** A client that does not take its answer, because it is stopped, must not keep others from the log. */
const longestHoldMs = 1_000;

/** Records calls. `write` is given each line as JSON, without a line break. */
export class CallLog {
  readonly #write: (line: string) => void;
  readonly #ending = new Set<Promise<void>>();
  #lines: CallLine[] = [];
  #calls = 0;
  #billed = noUsage;
  #inFlight = 0;
  #highestInFlight = 0;
  #tokenCounts = 0;
  readonly #outcomes: Record<CallOutcome, number> = {
    delivered: 0,
    cut: 0,
    'error-event': 0,
    lost: 0,
    failed: 0,
    refused: 0,
  };
  readonly #violations: Partial<Record<Dimension, number>> = {};

  constructor(write: (line: string) => void = () => undefined) {
    this.#write = write;
  }

  /** Counts a call that came; answers its number. */
  begin(): number {
    this.#calls += 1;
    return this.#calls;
  }

  /** Counts a call that the limits let in. */
  enter(): void {
    this.#inFlight += 1;
    this.#highestInFlight = Math.max(this.#highestInFlight, this.#inFlight);
  }

  /** Counts a call whose answer is produced. */
  leave(): void {
    this.#inFlight -= 1;
  }

  /** Counts a question for a token count. */
  recordTokenCount(): void {
    this.#tokenCounts += 1;
  }

  /** Records the end of a call that began. */
  record(line: CallLine): void {
    this.#outcomes[line.outcome] += 1;
    this.#billed = addUsage(this.#billed, line.billed);
    for (const dimension of line.violated ?? []) {
      this.#violations[dimension] = (this.#violations[dimension] ?? 0) + 1;
    }
    this.#lines.push(line);
    if (this.#lines.length > 2 * linesKept) this.#lines = this.#lines.slice(-linesKept);
    this.#write(JSON.stringify(line));
  }

  /** Makes readers wait for a call whose client may have its whole answer already. */
  holdReaders(end: Promise<void>): void {
    this.#ending.add(end);
    void end.finally(() => this.#ending.delete(end));
  }

  /** The lines of the calls that have ended, those included whose clients have their answers already. */
  async lines(): Promise<readonly CallLine[]> {
    await this.#waitForEnding();
    return this.#lines.slice(-linesKept);
  }

  /** The counts, as of the same moment as `lines`. */
  async counts(): Promise<Counts> {
    await this.#waitForEnding();
    return {
      calls: this.#calls,
      outcomes: { ...this.#outcomes },
      violations: this.#outcomes.refused,
      violationsByDimension: { ...this.#violations },
      billed: this.#billed,
      inFlight: this.#inFlight,
      highestInFlight: this.#highestInFlight,
      tokenCounts: this.#tokenCounts,
    };
  }

  async #waitForEnding(): Promise<void> {
    if (this.#ending.size === 0) return;
    const longest = sleep(longestHoldMs, undefined, { ref: false });
    await Promise.race([Promise.all(this.#ending), longest]);
  }
}
