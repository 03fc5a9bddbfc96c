/**
 * What follows when the checks send work back: pure decisions over what the rounds before failed with.
 *
 *   failed ──► again ──► … ──► stuck: another approach, once ──► again ──► … ──► stuck, or out of rounds: the end, or a person
 *
 * Stuck is one of four things: the same failure three times in a row; three in a row that are nearly the same; five in a
 * row at one gate without fewer findings; more work since the first of them than a change of its size is worth. After
 * another approach was asked for, the count begins anew; and so it does when a person lets a task go on that was at its end.
 */
import type { Rejection, WorkDone } from '../contracts/activities.ts';

/** Times that the checks may send the work back. */
const maxRounds = 10;
/** Equal failures in a row, or nearly equal ones, that mean the agent is stuck. */
const maxAlike = 3;
/** Share of common traits from which two failures are nearly equal (features.md asks for 0.9). */
const alikeShare = 0.9;
/** Rounds at one gate that may pass without fewer findings. */
const maxWithoutProgress = 5;
/** Minutes of repair that a change is worth by its size so far (features.md asks for 15, 30 and 60 by complexity). */
const repairTimes = [
  { maxFiles: 3, maxLines: 50, minutes: 15 },
  { maxFiles: 10, maxLines: 300, minutes: 30 },
] as const;
/** The same of a larger change. */
const longestRepairMinutes = 60;
const minuteMs = 60_000;

/** What the rounds so far have come to; small enough to be carried over. */
export interface Rounds {
  /** Times that the work was sent back. */
  readonly rounds: number;
  /** The last failures that count, oldest first; at most five. */
  readonly failures?: readonly Rejection[] | undefined;
  /** Another approach was asked for. */
  readonly triedOtherApproach?: boolean | undefined;
  /** Work time of the task at the first of the failures that count, in milliseconds. */
  readonly repairsSinceMs?: number | undefined;
}

/** What is to be done with work that was sent back. */
export type RoundVerdict =
  /** The agent mends it by what the check said. */
  | { readonly kind: 'again' }
  /** The agent is told that what it tried comes to the same, and to try something else. */
  | { readonly kind: 'other-approach'; readonly why: string; readonly failed: readonly string[] }
  | {
      readonly kind: 'end';
      readonly code: 'AGENT_STUCK' | 'ROUNDS_EXCEEDED';
      readonly why: string;
      /** For people: what is missing. */
      readonly missing: string;
    };

/** The rounds of an agent that a person lets go on. */
export const freshRounds = {
  rounds: 0,
  failures: [],
  triedOtherApproach: undefined,
  repairsSinceMs: undefined,
} as const satisfies Rounds;

/** Decides on a round that failed, and answers the rounds with it. Without the work done no time is counted. */
export function judgeRound<T extends Rounds>(
  before: T,
  rejected: Rejection,
  done?: WorkDone,
): { readonly verdict: RoundVerdict; readonly after: T } {
  const rounds = before.rounds + 1;
  const failures = [...(before.failures ?? []), rejected].slice(-maxWithoutProgress);
  const repairsSinceMs = before.repairsSinceMs ?? done?.workMs;
  const after: T = { ...before, rounds, failures, repairsSinceMs };
  const stuck = whyStuck(failures) ?? whyTooLong(after, rejected, done);
  if (stuck !== undefined && before.triedOtherApproach !== true && rounds < maxRounds) {
    const failed = [...new Set(failures.map(({ message }) => message))];
    return {
      verdict: { kind: 'other-approach', why: stuck, failed },
      after: { ...after, failures: [], triedOtherApproach: true, repairsSinceMs: done?.workMs },
    };
  }
  if (stuck === undefined && rounds < maxRounds) return { verdict: { kind: 'again' }, after };
  const missing = missingOf(after, rejected);
  const { gate, message } = rejected;
  const outOfRounds = `gate ${gate} still fails after ${String(maxRounds)} rounds: ${message}`;
  return {
    verdict:
      stuck === undefined
        ? { kind: 'end', code: 'ROUNDS_EXCEEDED', why: outOfRounds, missing }
        : { kind: 'end', code: 'AGENT_STUCK', why: stuck, missing },
    after,
  };
}

/** Why the agent does not get on; undefined while it does. */
function whyStuck(failures: readonly Rejection[]): string | undefined {
  const last = failures.slice(-maxAlike);
  const [first] = last;
  if (first === undefined || last.length < maxAlike) return undefined;
  const { gate, message } = last.at(-1) ?? first;
  if (last.every(({ fingerprint }) => fingerprint === first.fingerprint))
    return `gate ${gate} failed the same way ${String(maxAlike)} times: ${message}`;
  if (last.every((failure) => areAlike(first, failure)))
    return `gate ${gate} failed nearly the same way ${String(maxAlike)} times: ${message}`;
  return isWithoutProgress(failures)
    ? `gate ${gate} has had no fewer findings for ${String(maxWithoutProgress)} rounds: ${message}`
    : undefined;
}

/** Why the time is up that repairs of a change of this size are given; undefined while it is not. */
function whyTooLong(
  { repairsSinceMs }: Rounds,
  { gate, message }: Rejection,
  done: WorkDone | undefined,
): string | undefined {
  if (done === undefined || repairsSinceMs === undefined) return undefined;
  const { files, insertions, deletions } = done.diffStat;
  const fitting = repairTimes.find(
    ({ maxFiles, maxLines }) => files <= maxFiles && insertions + deletions <= maxLines,
  );
  const minutes = fitting?.minutes ?? longestRepairMinutes;
  return done.workMs - repairsSinceMs > minutes * minuteMs
    ? `gate ${gate} still fails after more than ${String(minutes)} minutes of repair: ${message}`
    : undefined;
}

/** Whether two failures share nearly all that they consist of. */
function areAlike(one: Rejection, other: Rejection): boolean {
  const traits = new Set(one.traits);
  const all = new Set([...traits, ...(other.traits ?? [])]);
  const common = new Set(other.traits ?? []);
  for (const trait of common) if (!traits.has(trait)) common.delete(trait);
  return one.gate === other.gate && all.size > 0 && common.size / all.size >= alikeShare;
}

/** Whether none of five rounds at one gate had fewer findings than the first of them. */
function isWithoutProgress(failures: readonly Rejection[]): boolean {
  const [first, ...later] = failures;
  const count = first?.findingCount;
  if (first === undefined || count === undefined || failures.length < maxWithoutProgress)
    return false;
  return later.every(
    ({ gate, findingCount }) => gate === first.gate && (findingCount ?? 0) >= count,
  );
}

function missingOf(
  { rounds, triedOtherApproach }: Rounds,
  { gate, message, findingCount }: Rejection,
): string {
  const found =
    findingCount === undefined
      ? ''
      : `, with ${String(findingCount)} finding${findingCount === 1 ? '' : 's'}`;
  const other = triedOtherApproach === true ? '; another approach was asked for once' : '';
  return [
    `Not finished. Missing: gate ${gate} still fails${found}, after ${String(rounds)} rounds${other}.`,
    `It says: ${message}`,
    'The work so far is kept.',
  ].join(' ');
}
