/** The limits of an account, as a call on it meets them. */
import type {
  CallOutcome,
  CallRoute,
  Charges,
  HeldReservation,
  LimitAnswer,
  LimitPriority,
  RefuseReason,
} from '../adapters/ports.ts';
import { codeOf, type AppError } from '../contracts/errors.ts';
import type { WaitReason } from '../contracts/task-status.ts';
import type { NotNow, PlannedCall } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

/** Longest answer that is asked for where the account does not say: a file has room in it. */
export const defaultMaxOutputTokens = 16_384;

/** Whether the limits let the call go now; `held` is undefined for models without limits. */
export async function askLimiter(
  deps: ActivityDeps,
  { task }: TaskSession,
  asked: {
    readonly route: CallRoute;
    readonly call: Pick<PlannedCall, 'effectId'>;
    readonly charges: Charges;
    readonly horizonMs: number;
  },
): Promise<{ readonly kind: 'go'; readonly held: HeldReservation | undefined } | NotNow> {
  const { route, call, charges, horizonMs } = asked;
  if (route.account === undefined) return { kind: 'go', held: undefined };
  const scopes = deps.limitScopes(route.account, route.modelId, task.ref.tenantId);
  const name = { account: route.account.name, model: route.modelId, id: call.effectId, scopes };
  const request = { ...name, estimate: charges, priority: priorityOf(task.priority), horizonMs };
  try {
    let answer = await deps.limiter.reserve(request);
    if (isRepeated(answer)) {
      // Of an attempt that died: its call may have been sent, so its charges stay, and this one pays for its own.
      await settleLimits(deps, { ...name, grant: answer.grant }, { kind: 'unknown' });
      answer = await deps.limiter.reserve(request);
    }
    if (answer.kind === 'go') return { kind: 'go', held: { ...name, grant: answer.grant } };
    return toLater(answer, route);
  } catch (error) {
    if (codeOf(error) === 'LIMIT_UNREACHABLE')
      return { kind: 'never', why: 'fallback', error: error as AppError };
    throw error;
  }
}

/** A grant that was given earlier; those of a local limiter die with their process. */
function isRepeated(answer: LimitAnswer): answer is Extract<LimitAnswer, { kind: 'go' }> {
  return answer.kind === 'go' && answer.grant > 0 && answer.grant < answer.redisTimeUs;
}

const limitReasons: Readonly<Record<RefuseReason, WaitReason>> = {
  limit: 'limit',
  concurrency: 'limit',
  window: 'window',
  paused: 'provider',
  breaker: 'provider',
};

function toLater(answer: Exclude<LimitAnswer, { kind: 'go' }>, { name }: CallRoute): NotNow {
  const { waitMs, scope, dimension } = answer;
  const why = answer.kind === 'slot' ? 'limit' : answer.reason;
  const limit = [scope, dimension].filter((word) => word !== undefined).join(' · ');
  const details: Readonly<Record<RefuseReason, string>> = {
    limit: `${name}: limit of ${limit}`,
    window: `${name}: ${limit} is used up`,
    concurrency: `${name}: its calls at once (${limit})`,
    paused: `${name}: the provider asked to wait`,
    breaker: `${name}: the provider is overloaded`,
  };
  const inLine = answer.kind === 'slot';
  return { kind: 'later', waitMs, why, inLine, reason: limitReasons[why], detail: details[why] };
}

/** Ends a reservation of the limiter. One that cannot be told ends by itself, with its lease. */
export async function settleLimits(
  deps: ActivityDeps,
  held: HeldReservation,
  outcome: CallOutcome,
): Promise<void> {
  await deps.limiter.settle(held, outcome).catch(() => false);
}

/** The longest answer that is asked for; undefined: as long as the server likes. */
export function maxOutputOf(account: CallRoute['account']): number | undefined {
  if (account === undefined) return undefined;
  const { access, provider, limits, maxOutputTokens } = account;
  const bounds = limits.filter(({ charge }) => charge === 'max_tokens').map(({ burst }) => burst);
  if (maxOutputTokens !== undefined) return Math.min(maxOutputTokens, ...bounds);
  const isNeeded = access === 'api' || provider === 'anthropic' || bounds.length > 0;
  return isNeeded ? Math.min(defaultMaxOutputTokens, ...bounds) : undefined;
}

function priorityOf(priority: number): LimitPriority {
  if (priority < 3) return 'interactive';
  return priority > 3 ? 'batch' : 'normal';
}
