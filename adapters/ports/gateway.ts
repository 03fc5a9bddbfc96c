/** The way by which programs in the sandbox ask models: a server on a Unix socket, for as long as a turn lasts. */
import type { ErrorCode } from '../../contracts/errors.ts';
import type { ModelWire } from './agents.ts';
import type { AnswerFacts, CallRoute, Question } from './models.ts';

/** A call that a program makes. Which model answers is not its choice. */
export interface GatewayCall {
  /** `count`: how many tokens a request has. It buys nothing. */
  readonly kind: 'answer' | 'count';
  /** Of the whole request. */
  readonly characters: number;
  /** Longest answer that it asks for. */
  readonly maxOutputTokens: number | undefined;
  /** Aborted when the program hangs up. An answer that has begun is read to its end all the same: it is paid. */
  readonly gone: AbortSignal;
  /** Sends it on a route of the same wire, and passes the answer on as it comes. */
  ask(route: CallRoute, question: Question): Promise<AnswerFacts>;
  /** Whether a piece of an answer was passed on. */
  hasBegun(): boolean;
}

/** Why a call has no answer; the program is told in its vendor's words. */
export interface GatewayRefusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number;
}

/** A gateway at work. */
export interface OpenGateway {
  readonly socketPath: string;
  /** Takes no more calls, and waits for those under way. */
  close(): Promise<void>;
}

/** Opens gateways on this host. */
export interface ModelGateway {
  /**
   * Serves the calls of a turn. `key` names the task's attempt, `number` the activity's. `onCall` answers undefined when
   * the call was answered; it does not throw.
   */
  open(options: {
    readonly key: string;
    readonly number: number;
    readonly wire: ModelWire;
    readonly onCall: (call: GatewayCall) => Promise<GatewayRefusal | undefined>;
  }): Promise<OpenGateway>;
  /** The wire that a route's provider speaks; undefined where no agent speaks it. */
  wireOf(route: CallRoute): ModelWire | undefined;
  /** Whether a process of this host still serves an earlier turn of the key: then its program may be at work, too. */
  isServed(key: string): Promise<boolean>;
}
