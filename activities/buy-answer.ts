/**
 * One call on one route: the limits say go, the money is held, the provider is asked.
 *
 * - The limiter is asked first, so that nothing is held by a call that stands in line. Its id is that of the step, shared by
 *   all attempts; the purchase in the ledger has a number of its own, as each answer that is bought is paid.
 * - A purchase that an earlier attempt made may have been sent: nobody knows. Its money stays gone (`unknown`), and the
 *   answer is bought anew.
 * - What a failed call has cost is booked: what the provider had reported when the answer broke off, or nothing where it
 *   refused, or `unknown`.
 */
import type {
  AnswerFacts,
  CallRoute,
  Charges,
  FallbackReason,
  HeldReservation,
  Question,
} from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import type { WaitReason } from '../contracts/task-status.ts';
import { afterFailure, calledOf } from './after-failure.ts';
import { applyReadings } from './apply-readings.ts';
import { askLimiter, defaultMaxOutputTokens, maxOutputOf, settleLimits } from './ask-limiter.ts';
import type { ActivityDeps } from './deps.ts';
import { actualCharges, capCharges, expectedCharges } from './estimate-call.ts';
import { holdMoney } from './hold-money.ts';
import { makeOffer } from './offer-price.ts';
import type { TaskSession } from './task-session.ts';

/** A heartbeat's pace: leases end after three of them. */
const extendEveryMs = 5_000;

/** A call, the same on every route. */
export interface PlannedCall<A extends AnswerFacts = AnswerFacts> {
  /** Identity of the step, or of a program's call. */
  readonly effectId: string;
  readonly characters: number;
  /** Longest answer that it asks for by itself. */
  readonly maxOutputTokens?: number | undefined;
  /** Sends the call on a route. @throws what `findFailure` explains, when no whole answer came */
  readonly ask: (route: CallRoute, question: Question) => Promise<A>;
  /** Whether a piece of an answer went to who asks: what breaks off then is not asked of another route. */
  readonly hasBegun?: () => boolean;
  /** How long an answer may take that is asked for now. @throws TASK_TIMEOUT when the task has no time left */
  readonly timeoutMs: () => number;
  /** Number of the next purchase of this step, and how many before it were paid without an answer. */
  readonly purchase: { number: number; lost: number };
}

/** Why a route did not answer. */
export type NotNow =
  /** The route could answer later. */
  | {
      readonly kind: 'later';
      readonly waitMs: number;
      readonly why: FallbackReason;
      /** A place in the limiter's line is kept until then. */
      readonly inLine?: boolean;
      readonly reason: WaitReason;
      /** For people: which route, which limit. */
      readonly detail: string;
    }
  /** This route cannot answer this call. */
  | { readonly kind: 'never'; readonly why: FallbackReason; readonly error: AppError };

/** A person has to say first that so much may be spent. */
export interface ToConfirm {
  readonly kind: 'confirm';
  readonly nextCallMicroUsd: number;
}

/** What came of a call on a route. */
export type Attempted<A extends AnswerFacts = AnswerFacts> = BoughtAnswer<A> | NotNow | ToConfirm;

/** A whole answer. It is paid, and to be put on record together with its purchase. */
export interface BoughtAnswer<A extends AnswerFacts = AnswerFacts> {
  readonly kind: 'answered';
  readonly route: CallRoute;
  readonly answer: A;
  /** The purchase; undefined where nothing is paid. */
  readonly callId: string | undefined;
  readonly costMicroUsd: number;
  readonly priceId: string;
  /** Tells the limiter what the call really used. After the answer is on record. */
  readonly settleLimits: () => Promise<void>;
}

/**
 * Tries one route.
 * @param horizonMs the longest wait for which a place in the limiter's line is wanted
 * @throws what no other route can mend: a cancel, a store that is away
 */
export async function buyAnswer<A extends AnswerFacts>(
  deps: ActivityDeps,
  session: TaskSession,
  {
    call,
    route,
    horizonMs,
  }: {
    readonly call: PlannedCall<A>;
    readonly route: CallRoute;
    readonly horizonMs: number;
  },
): Promise<Attempted<A>> {
  const { tenantId } = session.task.ref;
  // Before anything is held.
  const timeoutMs = call.timeoutMs();
  const expected = deps.estimates.expect(route.name, call.characters);
  if (route.contextTokens !== undefined && expected.inputTokens * 0.8 > route.contextTokens) {
    const message = `${route.name}: the conversation is too long for it`;
    return {
      kind: 'never',
      why: 'fallback',
      error: new AppError('MODEL_CONTEXT_EXCEEDED', message),
    };
  }

  const most = shorter(maxOutputOf(route.account), call.maxOutputTokens);
  const maxOutputTokens = most ?? defaultMaxOutputTokens;
  const priced = route.isFree
    ? undefined
    : await makeOffer(deps, session, { route, expected, maxOutputTokens });
  if (priced !== undefined && priced.kind !== 'offer') return priced;

  const scopes = route.account && deps.limitScopes(route.account, route.modelId, tenantId);
  const charges = capCharges(
    scopes ?? [],
    expectedCharges(expected, {
      cachedTokens: route.name === session.task.route ? session.task.cachedTokens : 0,
      maxOutputTokens: priced?.offer.maxOutputTokens ?? most ?? 0,
      costMicroUsd: priced?.price.expectedMicroUsd ?? 0,
    }),
  );
  const limited = await askLimiter(deps, session, { route, call, charges, horizonMs });
  if (limited.kind === 'later' || limited.kind === 'never') return limited;
  const { held } = limited;
  const money = priced && { route, ...priced, charges };
  const paid = money && (await holdMoneyOrGiveBack(deps, session, { call, money, held }));
  if (paid !== undefined && paid.kind !== 'held') return paid;
  return send(deps, session, {
    call,
    route,
    held,
    charges,
    callId: paid?.callId,
    timeoutMs,
    maxOutputTokens: paid?.offer.maxOutputTokens ?? most,
  });
}

function shorter(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

async function holdMoneyOrGiveBack(
  deps: ActivityDeps,
  session: TaskSession,
  {
    call,
    money,
    held,
  }: {
    readonly call: PlannedCall;
    readonly money: Omit<Parameters<typeof holdMoney>[2], 'call'>;
    readonly held: HeldReservation | undefined;
  },
) {
  const giveBack = async (): Promise<void> => {
    if (held !== undefined) await settleLimits(deps, held, { kind: 'not_sent' });
  };
  try {
    const answer = await holdMoney(deps, session, { call, ...money });
    if (answer.kind !== 'held') await giveBack();
    return answer;
  } catch (error) {
    await giveBack();
    throw error;
  }
}

/** A call on its way, and what is held for it. */
export interface Sending<A extends AnswerFacts = AnswerFacts> {
  readonly call: PlannedCall<A>;
  readonly route: CallRoute;
  readonly held: HeldReservation | undefined;
  /** What the call is expected to count as. */
  readonly charges: Charges;
  readonly callId: string | undefined;
  readonly timeoutMs: number;
  readonly maxOutputTokens: number | undefined;
}

async function send<A extends AnswerFacts>(
  deps: ActivityDeps,
  session: TaskSession,
  sending: Sending<A>,
): Promise<Attempted<A>> {
  const { call, route, held, charges, callId, timeoutMs, maxOutputTokens } = sending;
  await deps.crashpoint('llm.afterReserve.beforeSend');
  // What follows is work: a provider that never gives a whole answer uses up the task's time.
  if (session.waited.isWaiting()) await session.record({ waitingFor: null });
  const at = new Date(deps.clock.now());
  let ttftMs: number | undefined;
  const extending =
    held && setInterval(() => void deps.limiter.extend(held).catch(() => false), extendEveryMs);
  try {
    const answer = await call.ask(route, {
      maxOutputTokens,
      signal: AbortSignal.any([session.signal, AbortSignal.timeout(timeoutMs)]),
      onHeaders: (headers) => {
        const { tenantId } = session.task.ref;
        applyReadings(deps, route, { tenantId, readings: deps.models.readLimits(headers) });
      },
      onBegin: () => {
        ttftMs = deps.clock.now() - at.getTime();
      },
    });
    const { costMicroUsd, priceId } = await deps.models.costOf(session.task.ref.tenantId, route, {
      ...answer,
      at,
    });
    deps.estimates.learn(route.name, call.characters, answer.usage);
    const actual = actualCharges(answer.usage, {
      maxOutputTokens: maxOutputTokens ?? 0,
      costMicroUsd,
    });
    if (route.account !== undefined) deps.metrics.estimateWas(charges, actual);
    deps.metrics.callEnded({
      ...calledOf(route),
      outcome: 'success',
      ...(ttftMs === undefined ? {} : { ttftMs }),
      durationMs: deps.clock.now() - at.getTime(),
      tokens: answer.usage,
      costMicroUsd,
    });
    return {
      kind: 'answered',
      route,
      answer,
      callId,
      costMicroUsd,
      priceId,
      settleLimits: async () => {
        if (held !== undefined) await settleLimits(deps, held, { kind: 'success', actual });
      },
    };
  } catch (error) {
    return await afterFailure(deps, session, { ...sending, error, at });
  } finally {
    clearInterval(extending);
  }
}
