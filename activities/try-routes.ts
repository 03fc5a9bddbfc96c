/**
 * The routes of a call, one after another, until one answers; and where none does, how long that is to be waited for.
 *
 *   a place in line within 2 s   waited for here, on that route
 *   within 5 min                 an error with a delay: the activity is tried again then, and costs no worker a slot
 *   later, or a person's word    the workflow's: a timer, or a question
 */
import type { AnswerFacts, CallRoute, ConsideredRoute } from '../adapters/ports.ts';
import type { CallHold } from '../contracts/activities.ts';
import { AppError, type ErrorCode } from '../contracts/errors.ts';
import type { WaitReason } from '../contracts/task-status.ts';
import { formatMicroUsd } from '../contracts/money.ts';
import {
  buyAnswer,
  type Attempted,
  type BoughtAnswer,
  type NotNow,
  type PlannedCall,
} from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import { longestKeptWaitMs, type TaskSession } from './task-session.ts';

/** A wait that holds the worker's slot. */
const shortWaitMs = 2_000;
/** All short waits of one activity together. */
const shortWaitsMs = 10_000;
/** Waiters of the same moment come back spread over this. */
const spreadMs = 50;
/** Verdicts that are kept of one call. */
const keptVerdicts = 20;

/** A wait for a route. */
type Later = Extract<NotNow, { kind: 'later' }>;

/** No route answered. */
export type NoAnswer =
  | Later
  | {
      readonly kind: 'ask';
      readonly route: CallRoute;
      readonly nextCallMicroUsd: number;
      /** The route without a price that comes first, if one does. */
      readonly freeAgain: Later | undefined;
    };

interface Routes<A extends AnswerFacts> {
  readonly call: PlannedCall<A>;
  readonly routes: readonly CallRoute[];
  /** Filled with what each route answered. */
  readonly considered: ConsideredRoute[];
}

/**
 * The order in which routes are tried: as the provider gives them, but the one that answered last stands first among those
 * of its access, since it has the conversation in its cache.
 */
export function orderRoutes(
  routes: readonly [CallRoute, ...CallRoute[]],
  last: string | undefined,
): readonly [CallRoute, ...CallRoute[]] {
  const answered = routes.find(({ name }) => name === last);
  if (answered === undefined) return routes;
  const isOfItsKind = (route: CallRoute): boolean =>
    route.account?.access === answered.account?.access;
  const before = routes.slice(0, routes.findIndex(isOfItsKind));
  const after = routes.slice(before.length).filter((route) => route !== answered);
  const [first = answered, ...rest] = [...before, answered, ...after];
  return [first, ...rest];
}

/**
 * Tries until a route answers, or the waits get long.
 * @throws the error of a call that no route will ever answer; a cancel; a store that is away
 */
export async function tryUntil<A extends AnswerFacts>(
  deps: ActivityDeps,
  session: TaskSession,
  work: Routes<A>,
): Promise<BoughtAnswer<A> | NoAnswer> {
  const { waitingSince } = session.task;
  let waitedMs = waitingSince === undefined ? 0 : deps.clock.now() - waitingSince.getTime();
  const endMs = deps.clock.now() + shortWaitsMs;
  for (;;) {
    const round = await tryAll(deps, session, work);
    if (round.kind === 'answered' && waitedMs > 0) deps.metrics.limitWaited(waitedMs);
    if (round.kind !== 'later') return round;
    if (round.waitMs > shortWaitMs || deps.clock.now() + round.waitMs > endMs) return round;
    waitedMs += round.waitMs;
    await pause(round.waitMs + Math.random() * spreadMs, session.signal);
  }
}

/** Waits. @throws the signal's reason, at once */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** Tries each route once. */
async function tryAll<A extends AnswerFacts>(
  deps: ActivityDeps,
  session: TaskSession,
  { call, routes, considered }: Routes<A>,
): Promise<BoughtAnswer<A> | NoAnswer> {
  const waits: (Later & { readonly route: CallRoute })[] = [];
  const refusals: AppError[] = [];
  let toConfirm: { route: CallRoute; nextCallMicroUsd: number } | undefined;
  const attempt = async (route: CallRoute, horizonMs: number): Promise<Attempted<A>> => {
    const attempted = await buyAnswer(deps, session, { call, route, horizonMs });
    considered.push({ route: route.name, verdict: verdictOf(attempted) });
    if (considered.length > keptVerdicts) considered.shift();
    return attempted;
  };
  for (const route of routes) {
    const attempted = await attempt(route, routes.length === 1 ? longestKeptWaitMs : shortWaitMs);
    if (attempted.kind === 'answered') return attempted;
    if (call.hasBegun?.() === true) throw brokenOff(attempted);
    const next = routes[routes.indexOf(route) + 1];
    if (next !== undefined) deps.metrics.fellBack(stepTo(route, next, attempted));
    if (attempted.kind === 'never') refusals.push(attempted.error);
    else if (attempted.kind === 'confirm') toConfirm ??= { route, ...attempted };
    else if (attempted.inLine === true && attempted.waitMs <= shortWaitMs) return attempted;
    else waits.push({ ...attempted, route });
  }
  const [soonest] = waits.toSorted((one, other) => one.waitMs - other.waitMs);
  if (toConfirm !== undefined && (soonest === undefined || soonest.waitMs > shortWaitMs)) {
    const [freeAgain] = waits
      .filter(({ route }) => route.isFree)
      .toSorted((one, other) => one.waitMs - other.waitMs);
    return { ...toConfirm, kind: 'ask', freeAgain };
  }
  if (soonest === undefined) throw mostTelling(refusals);
  const wantsPlace = soonest.reason === 'limit' && soonest.inLine !== true;
  if (routes.length === 1 || !wantsPlace || soonest.waitMs <= shortWaitMs) return soonest;
  const placed = await attempt(soonest.route, longestKeptWaitMs);
  return placed.kind === 'answered' || placed.kind === 'later' ? placed : soonest;
}

/** Half an answer is with who asked: it has to ask again. */
function brokenOff(attempted: Exclude<Attempted, BoughtAnswer>): AppError {
  if (attempted.kind === 'never') return attempted.error;
  const detail = attempted.kind === 'later' ? attempted.detail : '';
  return new AppError('MODEL_UNAVAILABLE', `its answer broke off: ${detail}`);
}

/** What is told of a route that was passed over. */
function stepTo(from: CallRoute, to: CallRoute, attempted: Exclude<Attempted, BoughtAnswer>) {
  return {
    from: from.account?.name ?? from.name,
    to: to.account?.name ?? to.name,
    reason: attempted.kind === 'confirm' ? ('budget' as const) : attempted.why,
  };
}

/** Of several reasons why no route answers, money says most: the others may have been tried for the lack of it. */
function mostTelling(refusals: readonly AppError[]): AppError {
  const error = refusals.find(({ code }) => code === 'BUDGET_EXCEEDED') ?? refusals.at(-1);
  return error ?? new AppError('INTERNAL', 'no route was tried');
}

function verdictOf(attempted: Attempted): string {
  switch (attempted.kind) {
    case 'answered':
      return 'answered';
    case 'later':
      return attempted.detail;
    case 'confirm':
      return 'its price is not confirmed';
    case 'never':
      return `${attempted.error.code}: ${attempted.error.message}`.slice(0, 300);
  }
}

/**
 * Records what the task waits for, and answers what the workflow has to do first.
 * @throws MODEL_RATE_LIMITED · MODEL_UNAVAILABLE with the time of the next attempt, for waits of up to five minutes
 */
export async function holdOf(
  deps: ActivityDeps,
  session: TaskSession,
  missing: NoAnswer,
): Promise<CallHold> {
  if (missing.kind === 'ask') {
    await session.giveUpSlot();
    return { kind: 'ask', question: questionOf(deps, session, missing) };
  }
  const { waitMs, reason, detail } = missing;
  const untilMs = await tellWait(deps, session, missing);
  if (waitMs > longestKeptWaitMs) {
    await session.giveUpSlot();
    return { kind: 'wait', untilMs, detail };
  }
  await session.keepSlotFor(waitMs);
  throw new AppError(codeOfWait(reason), detail, {
    retryAfterMs: Math.ceil(waitMs + Math.random() * spreadMs),
  });
}

/** Records what the task waits for. Answers until when, in milliseconds since 1970. */
export async function tellWait(
  deps: ActivityDeps,
  session: TaskSession,
  { waitMs, reason, detail }: Later,
): Promise<number> {
  const untilMs = Math.ceil(deps.clock.now() + waitMs);
  const until = new Date(untilMs);
  const data = { reason, until: until.toISOString(), detail };
  const wasWaiting = session.task.waitingSince !== undefined || session.waited.isWaiting();
  const isTold = wasWaiting && waitMs <= longestKeptWaitMs;
  await session.record({
    waitingFor: { reason, until, detail },
    events: isTold ? [] : [{ type: 'task-waiting', data }],
  });
  return untilMs;
}

export function codeOfWait(reason: WaitReason): ErrorCode {
  return reason === 'provider' ? 'MODEL_UNAVAILABLE' : 'MODEL_RATE_LIMITED';
}

function questionOf(
  { clock }: ActivityDeps,
  { task }: TaskSession,
  { route, nextCallMicroUsd, freeAgain }: Extract<NoAnswer, { kind: 'ask' }>,
): Extract<CallHold, { kind: 'ask' }>['question'] {
  const { costMicroUsd, confirmedCostMicroUsd, maxCostMicroUsd } = task;
  return {
    kind: 'cost',
    title: `May this task spend up to ${formatMicroUsd(maxCostMicroUsd)}? ${formatMicroUsd(confirmedCostMicroUsd)} is confirmed, ${formatMicroUsd(costMicroUsd)} spent`,
    key: `cost-${String(confirmedCostMicroUsd)}`,
    facts: {
      route: route.name,
      spentMicroUsd: costMicroUsd,
      confirmedMicroUsd: confirmedCostMicroUsd,
      nextCallMicroUsd,
      limitMicroUsd: maxCostMicroUsd,
      ...(freeAgain && {
        freeAgainAt: new Date(clock.now() + freeAgain.waitMs).toISOString(),
      }),
    },
  };
}
