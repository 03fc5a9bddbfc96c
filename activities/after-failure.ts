/** What a model call that failed has cost, and what its failure means. */
import type { CallOutcome, CallRoute, ModelCallFailure } from '../adapters/ports.ts';
import { codeOf, type AppError } from '../contracts/errors.ts';
import { applyReadings } from './apply-readings.ts';
import { settleLimits } from './ask-limiter.ts';
import type { NotNow, Sending } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

/** After an overload, at least; up to twice as long, so that not all come back together. */
const overloadedWaitMs = 500;
/** How long an account without credit rests, where nobody says until when. */
const brokeRestMs = 15 * 60_000;

/** Books what a failed call has cost, and decides what the failure means for the route. */
export async function afterFailure(
  deps: ActivityDeps,
  session: TaskSession,
  failed: Sending & { readonly error: unknown; readonly at: Date },
): Promise<NotNow> {
  const { route, held, error } = failed;
  const failure = deps.models.findFailure(error);
  const { tenantId } = session.task.ref;
  applyReadings(deps, route, { tenantId, readings: failure?.limits ?? [] });
  const wasSent = codeOf(error) !== 'CREDENTIAL_MISSING';
  const costMicroUsd = await bookFailure(deps, session, { ...failed, failure, wasSent });
  const outcome: CallOutcome = wasSent
    ? outcomeOf(failure, deps.clock.now())
    : { kind: 'not_sent' };
  if (held !== undefined) await settleLimits(deps, held, outcome);
  // It was let through, so nobody knew.
  if (outcome.kind === 'rate_limited') deps.metrics.rateLimited('unforeseen');
  deps.metrics.callEnded({
    ...calledOf(route),
    outcome: outcome.kind,
    durationMs: deps.clock.now() - failed.at.getTime(),
    ...(failure?.usageSoFar && { tokens: failure.usageSoFar }),
    costMicroUsd,
  });
  if (failure === undefined) {
    session.signal.throwIfAborted();
    if (!wasSent) return { kind: 'never', why: 'final', error: error as AppError };
    throw error;
  }
  const { decision } = failure;
  const appError = error as AppError;
  const waitMs = Math.max(0, (decision.untilMs ?? 0) - deps.clock.now());
  switch (decision.kind) {
    case 'wait':
      return { kind: 'later', waitMs, why: 'wait', reason: 'provider', detail: appError.message };
    case 'overloaded':
      return {
        kind: 'later',
        waitMs: Math.max(waitMs, overloadedWaitMs * (1 + Math.random())),
        why: 'overloaded',
        reason: 'provider',
        detail: appError.message,
      };
    case 'money': {
      const restMs = decision.untilMs === undefined ? brokeRestMs : waitMs;
      await restAccount(deps, route, restMs);
      return {
        kind: 'later',
        waitMs: restMs,
        why: 'money',
        reason: 'budget',
        detail: appError.message,
      };
    }
    case 'fallback':
      return { kind: 'never', why: 'fallback', error: appError };
    case 'final':
      // Another account has another credential; what else is final is so everywhere.
      if (decision.code !== 'CREDENTIAL_REFUSED') throw appError;
      return { kind: 'never', why: 'final', error: appError };
  }
}

/** What a failed call has cost goes into the books: what was reported, nothing, or nobody knows. Answers what is known. */
async function bookFailure(
  deps: ActivityDeps,
  session: TaskSession,
  failed: Sending & {
    readonly failure: ModelCallFailure | undefined;
    readonly wasSent: boolean;
    readonly at: Date;
  },
): Promise<number> {
  const { route, callId, failure, at } = failed;
  const { tenantId } = session.task.ref;
  const { usageSoFar, decision } = failure ?? {};
  if (usageSoFar !== undefined && decision?.spent === 'unknown') {
    const paid = { usage: usageSoFar, servedModel: undefined, serviceTier: undefined, at };
    const { costMicroUsd, priceId } = await deps.models.costOf(tenantId, route, paid);
    await session.record({
      usage: {
        ...usageSoFar,
        ...bookedTo(route),
        effectId: callId ?? freeCallId(session, failed.call),
        requestId: undefined,
        costMicroUsd,
        priceId,
        ...(callId === undefined ? {} : { callId }),
      },
    });
    failed.call.purchase.number += 1;
    if (callId !== undefined) failed.call.purchase.lost += 1;
    return costMicroUsd;
  }
  if (callId === undefined) return 0;
  failed.call.purchase.number += 1;
  const isUnknown = decision === undefined ? failed.wasSent : decision.spent === 'unknown';
  if (isUnknown) failed.call.purchase.lost += 1;
  if (isUnknown) await deps.ledger.markUnknown(tenantId, callId);
  else await deps.ledger.release(tenantId, callId);
  return 0;
}

/**
 * Names a call that nobody pays, for its record. It has no purchase whose number would go on from attempt to attempt; the
 * fence does.
 */
function freeCallId({ fence }: TaskSession, { effectId, purchase }: Sending['call']): string {
  return `${effectId}.free.${String(fence.number)}.${String(purchase.number)}`;
}

/** Who was asked, for metrics. */
export function calledOf({ account, modelId, model: { provider } }: CallRoute) {
  if (account === undefined) return { provider, model: provider, account: provider };
  return { provider, model: modelId, account: account.name };
}

/** What of a usage record says who answered. */
export function bookedTo({ account, modelId, model }: CallRoute) {
  return {
    provider: model.provider,
    model: modelId,
    ...(account === undefined ? {} : { account: account.name }),
  };
}

/**
 * How the limiter is told of a failure. A cancelled call, or one without an end, may have been served. Trouble that the
 * provider tells of when its answer has begun is trouble all the same; but what was charged may have been used.
 */
function outcomeOf(failure: ModelCallFailure | undefined, nowMs: number): CallOutcome {
  if (failure === undefined) return { kind: 'unknown' };
  const { kind, untilMs, code, spent, isTold } = failure.decision;
  const keepsCharges = spent === 'unknown';
  if (keepsCharges && !(isTold && (kind === 'wait' || kind === 'overloaded')))
    return { kind: 'unknown' };
  switch (kind) {
    case 'wait':
      return {
        kind: 'rate_limited',
        keepsCharges,
        ...(untilMs === undefined ? {} : { retryAfterMs: Math.max(0, untilMs - nowMs) }),
      };
    case 'overloaded':
      return { kind: code === 'MODEL_UNAVAILABLE' ? 'overloaded' : 'failed', keepsCharges };
    case 'money':
    case 'fallback':
    case 'final':
      return { kind: 'rejected' };
  }
}

/** Holds back all calls of an account that cannot pay. */
async function restAccount(
  deps: ActivityDeps,
  { account, modelId }: CallRoute,
  restMs: number,
): Promise<void> {
  if (account !== undefined)
    await deps.limiter.pause(account.name, modelId, restMs).catch(() => undefined);
}
