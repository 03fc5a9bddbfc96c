/**
 * Sends a program's request to an account's provider and passes the answer on as it comes, byte by byte, while its usage
 * is read. The credential is put in here, at the last moment; the program has none.
 */
import { APICallError } from '@ai-sdk/provider';
import { AppError } from '../../contracts/errors.ts';
import { cutOff, fieldOf } from '../models/error-facts.ts';
import { toFailure, Unusable, type WatchedCall } from '../models/failed-call.ts';
import { baseUrlOf } from '../models/provider-client.ts';
import { createProviderFetch } from '../models/provider-fetch.ts';
import { createUsageMeter, tokensOf } from '../models/usage-meter.ts';
import type { AnswerFacts, CallRoute, Clock, Question } from '../ports.ts';
import { createEventStream } from './event-stream.ts';
import type { AnswerState, Endpoint, Wire, WireBody } from './wire.ts';

/** Longest error that is read. */
const longestErrorBytes = 1_048_576;
/** Headers of the provider's answer that are passed on. */
const passedBack = ['content-type', 'request-id', 'x-request-id'];

/** A program's request, taken apart. */
export interface IncomingRequest {
  readonly wire: Wire;
  readonly endpoint: Endpoint;
  readonly body: WireBody;
  /** Those that the wire passes on. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the answer goes. Pieces are lost once nobody listens. */
export interface AnswerSink {
  begin(headers: Readonly<Record<string, string>>): void;
  write(piece: Uint8Array): Promise<void>;
}

/** Forwards a request. @throws what `findFailure` explains, when no whole answer came; the signal's reason */
export async function forwardCall(
  request: IncomingRequest,
  route: CallRoute,
  {
    question,
    sink,
    clock,
  }: { readonly question: Question; readonly sink: AnswerSink; readonly clock: Clock },
): Promise<AnswerFacts> {
  const { wire, endpoint } = request;
  const { account, modelId } = route;
  if (account === undefined)
    throw new AppError('AGENT_MODEL_UNFIT', `${route.name} has no provider to ask`);
  const { fetch, sentCredentials } = createProviderFetch(account);
  const { maxOutputTokens, signal } = question;
  const call: WatchedCall = {
    account,
    sentCredentials,
    clock,
    meter: createUsageMeter(account.provider),
    signal,
    headers: {},
  };
  const { path, body } = wire.toRequest(endpoint, request.body, { modelId, maxOutputTokens });
  try {
    const response = await fetch(`${baseUrlOf(account)}${path}`, {
      method: 'POST',
      headers: { ...request.headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    const headers = Object.fromEntries(response.headers);
    call.headers = headers;
    if (!response.ok || response.body === null) throw await toApiError(response);
    question.onHeaders(headers);
    const state = await passOn(response.body, call, { wire, question, sink });
    if (!state.isWhole && endpoint.kind === 'answer') throw new Unusable(cutOff);
    return factsOf(call, state);
  } catch (error) {
    throw toFailure(error, call);
  }
}

async function passOn(
  pieces: ReadableStream<Uint8Array>,
  call: WatchedCall,
  to: { readonly wire: Wire; readonly question: Question; readonly sink: AnswerSink },
): Promise<AnswerState> {
  const { wire, question, sink } = to;
  const state: AnswerState = {
    responseId: undefined,
    servedModel: undefined,
    isWhole: false,
    error: undefined,
  };
  const take = (event: unknown): void => {
    call.meter.read(event);
    wire.read(event, state);
  };
  const isStream = call.headers['content-type']?.startsWith('text/event-stream') === true;
  const events = createEventStream();
  const whole: Uint8Array[] = [];
  let hasBegun = false;
  for await (const piece of pieces) {
    if (isStream) events.read(piece).forEach(take);
    else whole.push(piece);
    // Nothing has been passed on: another account may still answer.
    if (state.error !== undefined && !hasBegun) break;
    if (!hasBegun) {
      hasBegun = true;
      question.onBegin();
      sink.begin(passedOf(call.headers));
    }
    await sink.write(piece);
  }
  if (!isStream) take(parse(Buffer.concat(whole).toString('utf8')));
  if (state.error !== undefined) throw toFailure(state.error, call);
  return state;
}

function passedOf(headers: WatchedCall['headers']): Record<string, string> {
  return Object.fromEntries(
    passedBack.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function factsOf({ meter }: WatchedCall, state: AnswerState): AnswerFacts {
  const usage = meter.soFar();
  const tier = fieldOf(usage?.raw, 'service_tier') ?? fieldOf(usage?.raw, 'serviceTier');
  const nothing = {
    total: undefined,
    noCache: undefined,
    cacheRead: undefined,
    cacheWrite: undefined,
  };
  return {
    usage: tokensOf(
      usage ?? {
        inputTokens: nothing,
        outputTokens: { total: undefined, text: undefined, reasoning: undefined },
      },
    ),
    responseId: state.responseId,
    servedModel: state.servedModel,
    serviceTier: typeof tier === 'string' ? tier : undefined,
  };
}

/** An error as a client would throw it, so that the one table of errors reads it. */
async function toApiError(response: Response): Promise<APICallError> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size <= longestErrorBytes) pieces.push(piece);
  }
  return new APICallError({
    message: response.statusText,
    url: response.url,
    requestBodyValues: {},
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
    responseBody: Buffer.concat(pieces).toString('utf8'),
  });
}
