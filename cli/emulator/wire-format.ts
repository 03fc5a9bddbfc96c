/** What a wire format does: it reads requests of its vendor, and writes answers, events, errors and headers as its vendor does. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Gauges, Refusal } from './account-limits.ts';
import type { FormatName, ScriptedAnswer } from './script.ts';
import type { Usage } from './usage.ts';

/** What a path asks for. */
export interface Endpoint {
  readonly kind: 'answer' | 'count-tokens';
  /** Where the path names the model, as at Gemini. */
  readonly model?: string;
  /** Where the path says whether to stream, as at Gemini. */
  readonly stream?: boolean;
}

/** A request, as far as the emulator looks at it. */
export interface ModelRequest {
  readonly model: string;
  readonly stream: boolean;
  /** Who speaks, message by message; several in a row of the same kind are one turn. */
  readonly speakers: readonly ('model' | 'user')[];
  /** The text of the last message, tool results included. */
  readonly lastText: string;
  /** Length of all that the model reads. */
  readonly characters: number;
  /** Most tokens of output that the request allows; undefined when it does not say. */
  readonly maxOutputTokens: number | undefined;
  /** Whether a stream tells the usage; always, except on the chat wire. */
  readonly usageWanted: boolean;
}

/** An answer with all that belongs to it. */
export interface Reply {
  readonly id: string;
  readonly model: string;
  readonly createdAtMs: number;
  readonly answer: Omit<ScriptedAnswer, 'when' | 'usage'>;
  readonly usage: Usage;
  readonly usageWanted: boolean;
}

/** One event of a stream, ready to be sent. */
export interface WireEvent {
  readonly frame: string;
  /** The usage that its receiver learns from it. */
  readonly told?: Usage;
  /** What was produced when it is sent: a share of the output, growing to all of it. */
  readonly produced: Usage;
}

/** An error that a client is told. */
export interface WireError {
  readonly status: number;
  readonly message?: string | undefined;
  /** The vendor's word for it. */
  readonly type?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Headers beside the vendor's own. */
  readonly headers?: Headers | undefined;
  /** The limit that refused the call. */
  readonly refusal?: Refusal | undefined;
  readonly model: string;
}

/** Names and values of HTTP headers. */
export type Headers = Readonly<Record<string, string>>;

/** One vendor's way of speaking. */
export interface WireFormat {
  readonly name: FormatName;
  /** Whether a call without an API key is refused, with 401. */
  readonly keyNeeded: boolean;
  /** Finds what a path asks for; undefined when it is another format's. */
  readonly findEndpoint: (path: string) => Endpoint | undefined;
  readonly findKey: (headers: IncomingHttpHeaders, query: URLSearchParams) => string | undefined;
  /** Reads a request. @throws BadRequest in the vendor's words */
  readonly read: (body: unknown, endpoint: Endpoint) => ModelRequest;
  /** The usage in the kinds that the vendor bills. */
  readonly toBilled: (usage: Usage) => Usage;
  /** The input that counts to the limit of input tokens. */
  readonly limitedInputTokens: (usage: Usage) => number;
  readonly newId: (seeded: string) => string;
  readonly toBody: (reply: Reply) => unknown;
  readonly toEvents: (reply: Reply) => WireEvent[];
  readonly toTokenCount: (tokens: number) => unknown;
  readonly toErrorBody: (error: WireError) => unknown;
  readonly toErrorFrame: (error: WireError, eventsBefore: number) => string;
  /** Headers of an error, beside those of the limits. */
  readonly errorHeaders: (error: WireError) => Headers;
  /** Headers of every answer. */
  readonly limitHeaders: (gauges: Gauges, nowMs: number) => Headers;
  readonly requestIdHeader: string;
}

/** A request that the vendor would not take: 400, with its message. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/** Number of the conversation's turn: the model's turns so far, and one. */
export function turnOf({ speakers }: ModelRequest): number {
  const turns = speakers.filter(
    (speaker, index) => speaker === 'model' && speakers[index - 1] !== 'model',
  );
  return turns.length + 1;
}
