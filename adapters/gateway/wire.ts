/** What the gateway needs to know of a vendor's wire format: the same four things of each. */
import { fieldOf } from '../models/error-facts.ts';
import type { GatewayCall } from '../ports.ts';

/** A request's or an answer's JSON object. */
export type WireBody = Readonly<Record<string, unknown>>;

/** What a path asks for. */
export interface Endpoint {
  readonly kind: GatewayCall['kind'];
  /** The vendor's word for it, as the path ends. */
  readonly operation: string;
}

/** Which model is asked, and how long its answer may be. */
export interface AskedModel {
  readonly modelId: string;
  readonly maxOutputTokens: number | undefined;
}

/** A request as it leaves: path below the account's address, and body. */
export interface OutgoingRequest {
  readonly path: string;
  readonly body: WireBody;
}

/** What has been read of an answer. */
export interface AnswerState {
  responseId: string | undefined;
  servedModel: string | undefined;
  /** The vendor's own end has come. */
  isWhole: boolean;
  /** An event that tells of an error inside a good answer. */
  error: unknown;
}

/** One vendor's wire format. */
export interface Wire {
  findEndpoint(path: string): Endpoint | undefined;
  /** Longest answer that a request asks for. */
  maxOutputOf(body: WireBody): number | undefined;
  /**
   * The request with the task's model and the length that there is money for. What would be billed otherwise than by
   * tokens, or at another rate, is left out: a tier, and tools that run at the provider.
   */
  toRequest(endpoint: Endpoint, body: WireBody, asked: AskedModel): OutgoingRequest;
  /** Headers of the program's that are passed on. */
  readonly passedHeaders: readonly string[];
  /** Takes in an event of a stream, or a whole answer. */
  read(event: unknown, state: AnswerState): void;
  toErrorBody(status: number, message: string): WireBody;
}

/** The text in a field. */
export function textAt(value: unknown, name: string): string | undefined {
  const found = fieldOf(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** A positive number in a field. */
export function countAt(value: unknown, name: string): number | undefined {
  const found = fieldOf(value, name);
  return typeof found === 'number' && Number.isInteger(found) && found > 0 ? found : undefined;
}

/** The shorter of two lengths. */
export function shorterOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** A body without some of its fields. */
export function without(body: WireBody, names: readonly string[]): WireBody {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

/** The list in a field; undefined where there is none. */
export function listAt(value: unknown, name: string): readonly unknown[] | undefined {
  const found = fieldOf(value, name);
  return Array.isArray(found) ? found : undefined;
}

/** A field with its value; nothing where there is none. */
export function present(name: string, value: unknown): WireBody {
  return value === undefined ? {} : { [name]: value };
}
