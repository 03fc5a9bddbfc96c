/** One call of a model, from its request to its line in the log. */
import { randomUUID } from 'node:crypto';
import type { AccountLimits, Refusal } from './account-limits.ts';
import type { CallLine, CallLog } from './call-log.ts';
import { deliver, finish } from './deliver.ts';
import { accountOf, readCall } from './incoming-call.ts';
import type { CallError, IncomingCall } from './incoming-call.ts';
import { costsOf, isFree, makeReply } from './make-reply.ts';
import type { PlannedReply, ReplyWish } from './make-reply.ts';
import type { Choice, ScriptRunner } from './script-runner.ts';
import { noUsage, tokensOf } from './usage.ts';
import type { Usage } from './usage.ts';
import { turnOf } from './wire-format.ts';
import type { Headers, ModelRequest, Reply, WireError } from './wire-format.ts';

/** What calls are served with. */
export interface CallDeps {
  readonly runner: ScriptRunner;
  readonly limits: AccountLimits;
  readonly log: CallLog;
  /** The last answer of each account on each wire, for duplicates. */
  readonly lastReplies: Map<string, Reply>;
  /** Milliseconds since 1970, of a clock that does not go back. */
  readonly nowMs: () => number;
}

/** How a call ended, as far as its line says it. */
type CallEnd = Pick<
  CallLine,
  'id' | 'status' | 'outcome' | 'event' | 'billed' | 'told' | 'violated' | 'earlyMs' | 'duplicateOf'
>;

/** Serves a call. Whatever is wrong with it is answered in the vendor's words. */
export async function serveCall(deps: CallDeps, call: IncomingCall): Promise<void> {
  const { format, endpoint, key } = call;
  const startedMs = deps.nowMs();
  const number = deps.log.begin();
  const recorded = Promise.withResolvers<undefined>();
  /** From here on the client may have its answer, and whoever reads the log must find it. */
  const onAnswer = (): void => deps.log.holdReaders(recorded.promise);

  const asked = await readCall(call);
  const end =
    'status' in asked
      ? await fail(deps, call, { error: asked, model: endpoint.model ?? '', onAnswer })
      : await answer(deps, call, { asked, number, onAnswer });
  deps.log.record({
    call: number,
    at: new Date(startedMs).toISOString(),
    tookMs: Math.round(deps.nowMs() - startedMs),
    format: format.name,
    model: 'status' in asked ? (endpoint.model ?? '') : asked.model,
    account: accountOf(key),
    stream: 'status' in asked ? (endpoint.stream ?? false) : asked.stream,
    ...end,
  });
  recorded.resolve(undefined);
}

interface Asked {
  readonly asked: ModelRequest;
  readonly number: number;
  readonly onAnswer: () => void;
}

/** Answers a request that is in order: by what the limits and the script say. Up to the answer, nothing is awaited. */
async function answer(
  deps: CallDeps,
  call: IncomingCall,
  { asked, number, onAnswer }: Asked,
): Promise<CallEnd> {
  const { runner, limits, lastReplies, nowMs } = deps;
  const { format, key } = call;
  const { model } = asked;
  const choice = runner.choose({ format: format.name, key, request: asked });
  const last = lastReplies.get(`${format.name} ${key}`);
  const { script } = runner;
  const wish: ReplyWish = { format, asked, choice, script, number, nowMs: nowMs(), last };
  const reply = makeReply(wish);
  if (reply === undefined) {
    const message = `The script has no answer for this call, turn ${turnOf(asked)}.`;
    return fail(deps, call, { error: { status: 400, message }, model, onAnswer });
  }
  const costs = costsOf(wish, reply);
  const refusal = limits.findRefusal(key, costs, nowMs());
  if (refusal !== undefined) return refuse(deps, call, { refusal, model, onAnswer });

  choice.commit();
  limits.enter(key, costs, nowMs());
  deps.log.enter();
  const leave = (produced: Usage): void => {
    limits.leave(key, isFree(choice, reply) ? 0 : produced.outputTokens, nowMs());
    deps.log.leave();
    onAnswer();
  };
  const error = choice.fault?.error;
  if (error === undefined) return ship(deps, call, { asked, choice, reply, leave });
  leave(noUsage);
  const { headers } = choice.fault ?? {};
  return fail(deps, call, { error: { ...error, headers }, model, onAnswer });
}

interface Shipping {
  readonly asked: ModelRequest;
  readonly choice: Choice;
  readonly reply: PlannedReply;
  readonly leave: (produced: Usage) => void;
}

async function ship(
  deps: CallDeps,
  call: IncomingCall,
  { asked, choice, reply, leave }: Shipping,
): Promise<CallEnd> {
  const { format, key } = call;
  const { produced, ...delivery } = await deliver(call.response, {
    format,
    reply,
    stream: asked.stream,
    headers: { ...headersOf(deps, call), ...choice.fault?.headers },
    fault: choice.fault,
    onProduced: leave,
  });
  if (delivery.outcome === 'delivered') deps.lastReplies.set(`${format.name} ${key}`, reply);
  const { id, duplicateOf } = reply;
  if (duplicateOf === undefined) return { ...delivery, id, status: 200, billed: produced };
  return { ...delivery, id, status: 200, billed: noUsage, duplicateOf };
}

interface Refusing {
  readonly refusal: Refusal;
  readonly model: string;
  readonly onAnswer: () => void;
}

async function refuse(
  deps: CallDeps,
  call: IncomingCall,
  { refusal, model, onAnswer }: Refusing,
): Promise<CallEnd> {
  const { retryAfterMs, dimensions: violated } = refusal;
  onAnswer();
  await sendError(deps, call, { status: 429, refusal, retryAfterMs, model });
  const earlyMs = Math.ceil(retryAfterMs);
  const nothing = { id: null, billed: noUsage, told: null };
  return { ...nothing, status: 429, outcome: 'refused', violated, earlyMs };
}

interface Failing {
  readonly error: CallError;
  readonly model: string;
  readonly onAnswer: () => void;
}

async function fail(
  deps: CallDeps,
  call: IncomingCall,
  { error, model, onAnswer }: Failing,
): Promise<CallEnd> {
  onAnswer();
  await sendError(deps, call, { ...error, model });
  return { id: null, status: error.status, outcome: 'failed', billed: noUsage, told: null };
}

/** Counts the tokens of a request, for the wires that can be asked. It is free, and logged as a count only. */
export async function serveTokenCount(deps: CallDeps, call: IncomingCall): Promise<void> {
  const { response, format } = call;
  const asked = await readCall(call);
  if ('status' in asked) return sendError(deps, call, { ...asked, model: '' });
  deps.log.recordTokenCount();
  response.writeHead(200, { ...headersOf(deps, call), 'content-type': 'application/json' });
  await finish(response, JSON.stringify(format.toTokenCount(tokensOf(asked.characters))));
}

function headersOf(deps: CallDeps, { format, key }: IncomingCall): Headers {
  const nowMs = deps.nowMs();
  return {
    [format.requestIdHeader]: `req_${randomUUID().replaceAll('-', '')}`,
    ...format.limitHeaders(deps.limits.gaugesOf(key, nowMs), nowMs),
  };
}

async function sendError(deps: CallDeps, call: IncomingCall, error: WireError): Promise<void> {
  const { format, response } = call;
  response.writeHead(error.status, {
    ...headersOf(deps, call),
    ...format.errorHeaders(error),
    ...error.headers,
    'content-type': 'application/json',
  });
  await finish(response, JSON.stringify(format.toErrorBody(error)));
}
