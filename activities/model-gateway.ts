/**
 * The calls of a program agent's turn, answered through the same limits, ledger and breakers as those of the builtin
 * agent. Each call is a purchase of its own, named by the activity attempt that it was made in.
 *
 *   a wait of up to five minutes        inside the program's open request
 *   longer, or a person's word          ends the turn: the workflow waits, then the turn goes on
 *   a request that the provider refuses the program's to mend: it is told in its vendor's words
 *   no money, no credential, no store   ends the turn, and decides what becomes of the task
 *   counting tokens                     a request to the limits, nothing to the books; it ends no turn
 */
import type {
  AnswerFacts,
  CallRoute,
  ConsideredRoute,
  GatewayCall,
  GatewayRefusal,
  ModelWire,
  TaskRecord,
} from '../adapters/ports.ts';
import { codeOf, type ErrorCode } from '../contracts/errors.ts';
import { askLimiter, settleLimits } from './ask-limiter.ts';
import type { BoughtAnswer, PlannedCall } from './buy-answer.ts';
import { answerTimeoutMs } from './call-model.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { oneRequest } from './estimate-call.ts';
import { recordAnswer } from './record-answer.ts';
import { remainingMs } from './remaining-time.ts';
import { longestKeptWaitMs, type TaskSession } from './task-session.ts';
import { codeOfWait, orderRoutes, pause, tellWait, tryUntil, type NoAnswer } from './try-routes.ts';

/** Failures of one call that its program may mend: by a shorter conversation, by asking again. */
const mendable: readonly ErrorCode[] = [
  'MODEL_REQUEST_INVALID',
  'MODEL_REQUEST_TOO_LARGE',
  'MODEL_CONTEXT_EXCEEDED',
  'MODEL_REFUSED',
  'MODEL_UNAVAILABLE',
];

/** How long counting tokens may take, its wait for the limits included: programs guess where they get no answer. */
const countTimeoutMs = 30_000;

/** Why a turn cannot go on. */
export type TurnStop =
  /** A call has to wait for longer than a request may. */
  | { readonly kind: 'hold'; readonly missing: NoAnswer }
  | { readonly kind: 'error'; readonly error: unknown };

/** What a turn's calls share. */
export interface TurnCalls {
  readonly step: number;
  readonly wire: ModelWire;
  readonly routes: readonly [CallRoute, ...CallRoute[]];
  /** Has the program stopped; the first reason counts. */
  readonly stop: (why: TurnStop) => void;
  /** Aborted once it was called. */
  readonly stopped: AbortSignal;
}

/** The gateway of a turn. */
export interface TurnGateway {
  readonly socketPath: string;
  /** Calls for an answer that were made so far. */
  count(): number;
  close(): Promise<void>;
}

/** Opens the gateway of a turn, which serves until it is closed. */
export async function openTurnGateway(
  deps: ActivityDeps,
  session: TaskSession,
  { key, calls }: { readonly key: string; readonly calls: TurnCalls },
): Promise<TurnGateway> {
  // What the next call builds on: the route that has the conversation in its cache, and what was spent so far.
  let standing: TaskRecord = session.task;
  let count = 0;
  let counted = 0;
  const { fence } = session;
  const nameOf = (number: string): string =>
    effectIdOf(session.task.ref, calls.step, 'model', `${String(fence.number)}.${number}`);
  const open = await deps.gateway.open({
    key,
    number: fence.number,
    wire: calls.wire,
    onCall: async (call) => {
      if (call.kind === 'count') {
        counted += 1;
        return countTokens(deps, session, { call, calls, effectId: nameOf(`count.${counted}`) });
      }
      count += 1;
      return answerCall(deps, session, {
        ...{ call, calls, effectId: nameOf(String(count)) },
        standing: () => standing,
        onBought({ route, answer: { usage }, costMicroUsd }) {
          standing = {
            ...standing,
            route: route.name,
            cachedTokens: usage.cacheReadTokens + usage.cacheWriteTokens,
            costMicroUsd: standing.costMicroUsd + costMicroUsd,
          };
        },
      });
    },
  });
  return { socketPath: open.socketPath, count: () => count, close: () => open.close() };
}

interface Answering {
  readonly call: GatewayCall;
  readonly calls: TurnCalls;
  readonly effectId: string;
  /** The task with what its calls have changed. */
  readonly standing: () => TaskRecord;
  readonly onBought: (bought: BoughtAnswer) => void;
}

async function answerCall(
  deps: ActivityDeps,
  session: TaskSession,
  answering: Answering,
): Promise<GatewayRefusal | undefined> {
  const { call, calls } = answering;
  const line = waitWhileWanted(call, calls);
  try {
    const missing = await tryToAnswer(deps, session, { ...answering, line });
    if (missing === undefined) return undefined;
    calls.stop({ kind: 'hold', missing });
    if (missing.kind === 'ask')
      return { code: 'MODEL_RATE_LIMITED', message: 'Somebody is asked whether to go on.' };
    return laterRefusal(missing);
  } catch (error) {
    const refusal = refusalOf(error);
    const isItsOwn = call.gone.aborted || calls.stopped.aborted || mendable.includes(refusal.code);
    if (!isItsOwn) calls.stop({ kind: 'error', error });
    return refusal;
  } finally {
    line.end();
  }
}

function laterRefusal({
  reason,
  detail,
  waitMs,
}: Extract<NoAnswer, { kind: 'later' }>): GatewayRefusal {
  return { code: codeOfWait(reason), message: detail, retryAfterMs: waitMs };
}

function refusalOf(error: unknown): GatewayRefusal {
  const message = error instanceof Error ? error.message : String(error);
  return { code: codeOf(error) ?? 'INTERNAL', message };
}

/**
 * Has the provider count a request's tokens, once the limits have room for a request. What comes of it tells the limiter
 * nothing: vendors hold their counting to limits of its own.
 */
async function countTokens(
  deps: ActivityDeps,
  session: TaskSession,
  { call, calls, effectId }: Pick<Answering, 'call' | 'calls' | 'effectId'>,
): Promise<GatewayRefusal | undefined> {
  const [route] = calls.routes;
  const timeout = AbortSignal.timeout(countTimeoutMs);
  const signal = AbortSignal.any([session.signal, calls.stopped, call.gone, timeout]);
  try {
    const limited = await standInLine(deps, session, { route, effectId, signal });
    if (limited.kind === 'later') return laterRefusal(limited);
    if (limited.kind === 'never') return refusalOf(limited.error);
    try {
      await call.ask(route, { ...withoutUsage, signal });
    } finally {
      if (limited.held !== undefined) await settleLimits(deps, limited.held, { kind: 'unknown' });
    }
    return undefined;
  } catch (error) {
    return refusalOf(error);
  }
}

const withoutUsage = {
  maxOutputTokens: undefined,
  onHeaders: () => undefined,
  onBegin: () => undefined,
};

/** Waits until the limits have room for a request; longer waits than counting may take are answered. */
async function standInLine(
  deps: ActivityDeps,
  session: TaskSession,
  {
    route,
    effectId,
    signal,
  }: {
    readonly route: CallRoute;
    readonly effectId: string;
    readonly signal: AbortSignal;
  },
): ReturnType<typeof askLimiter> {
  const endMs = deps.clock.now() + countTimeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const horizonMs = Math.max(0, endMs - deps.clock.now());
    const asked = { route, call: { effectId }, charges: oneRequest, horizonMs };
    const limited = await askLimiter(deps, session, asked);
    if (limited.kind !== 'later' || limited.waitMs > horizonMs) return limited;
    await pause(limited.waitMs, signal);
  }
}

/** Answers the call, or what is missing that takes longer than a request may wait. */
async function tryToAnswer(
  deps: ActivityDeps,
  session: TaskSession,
  {
    call,
    calls,
    effectId,
    standing,
    onBought,
    line,
  }: Answering & { readonly line: ReturnType<typeof waitWhileWanted> },
): Promise<NoAnswer | undefined> {
  const considered: ConsideredRoute[] = [];
  const startedAt = new Date(deps.clock.now());
  const signal = AbortSignal.any([session.signal, line.signal]);
  const planned: PlannedCall = {
    effectId,
    characters: call.characters,
    maxOutputTokens: call.maxOutputTokens,
    timeoutMs: () => Math.min(answerTimeoutMs, remainingMs(session, deps.clock)),
    ask: (route, question) => line.sending(() => call.ask(route, question)),
    hasBegun: () => call.hasBegun(),
    purchase: { number: 0, lost: 0 },
  };
  for (;;) {
    const now = { ...session, task: standing(), signal };
    const routes = orderRoutes(calls.routes, now.task.route);
    const round = await tryUntil(deps, now, { call: planned, routes, considered });
    if (round.kind === 'answered') {
      await deps.crashpoint('llm.afterResponse.beforeLedger');
      const answered = { step: calls.step, effectId, bought: round, considered, startedAt };
      const summary = summaryOf(round.answer);
      await recordAnswer(deps, now, { ...answered, summary, told: [], said: [] });
      onBought(round);
      await deps.crashpoint('llm.afterLedger.beforeReturn');
      return undefined;
    }
    const waitedMs = deps.clock.now() - startedAt.getTime();
    if (round.kind === 'ask' || waitedMs + round.waitMs > longestKeptWaitMs) return round;
    await tellWait(deps, session, round);
    await pause(round.waitMs, signal);
  }
}

/**
 * A call stands in line for as long as its program waits for it, and the turn goes on. Once it is sent it is paid: then it
 * is read to its end, whoever listens.
 */
function waitWhileWanted({ gone }: GatewayCall, { stopped }: TurnCalls) {
  const line = new AbortController();
  const over = new AbortController();
  let isSent = false;
  const check = (): void => {
    const unwanted = [gone, stopped].find(({ aborted }) => aborted);
    if (!isSent && unwanted !== undefined) line.abort(unwanted.reason);
  };
  // A turn makes thousands of calls.
  gone.addEventListener('abort', check, { signal: over.signal });
  stopped.addEventListener('abort', check, { signal: over.signal });
  check();
  return {
    signal: line.signal,
    /** When the call is over. */
    end(): void {
      over.abort();
    },
    async sending<T>(send: () => Promise<T>): Promise<T> {
      isSent = true;
      try {
        return await send();
      } finally {
        isSent = false;
        check();
      }
    },
  };
}

function summaryOf({ usage }: AnswerFacts): string {
  return `${String(usage.inputTokens)} tokens in, ${String(usage.outputTokens)} out`;
}
