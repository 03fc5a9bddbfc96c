/** What can be known of a failed model call, taken out of whatever the client threw or the stream carried. */
import { APICallError } from '@ai-sdk/provider';
import type { AnswerHeaders } from './limit-headers.ts';

/** The facts that the table of errors decides on. */
export interface ErrorFacts {
  /** Status of the answer, or the one that an error inside a 200 stands for. */
  readonly status: number | undefined;
  /** Types, codes and reasons that the provider gave, in lower case. */
  readonly words: readonly string[];
  /** The provider's own sentence. It may hold pieces of the request: see `createScrub` before showing it. */
  readonly message: string;
  readonly headers: AnswerHeaders;
  /** `TIMEOUT`, or the code of the network's failure, when no whole answer came. */
  readonly network: string | undefined;
  /** Google's structured details: quota violations, the time to wait. */
  readonly details: readonly Readonly<Record<string, unknown>>[];
  /** The answer began well and told of the error, or broke, later. */
  readonly isInStream: boolean;
  /** The request was never sent, the answer was not understood, or it ended and is of no use. */
  readonly client: 'unsent' | 'unreadable' | 'unusable' | undefined;
  /** The body of the error, for what it reports of usage. */
  readonly body: unknown;
}

const nothing: ErrorFacts = {
  status: undefined,
  words: [],
  message: '',
  headers: {},
  network: undefined,
  details: [],
  isInStream: false,
  client: undefined,
  body: undefined,
};

/** An answer that ended before its end. */
export const cutOff: ErrorFacts = { ...nothing, isInStream: true };

/** An answer that the provider ended with a word that makes it useless, such as `MALFORMED_FUNCTION_CALL`. */
export function badAnswer(word: string): ErrorFacts {
  return { ...cutOff, client: 'unusable', message: word };
}

/** What the client says before it has sent anything, by the names of its errors. */
const unsentErrors = [
  'AI_InvalidArgumentError',
  'AI_InvalidPromptError',
  'AI_UnsupportedFunctionalityError',
];

/** Reads the facts of an error; undefined when it is neither a provider's, nor the network's, nor the client's. */
export function findErrorFacts(error: unknown): ErrorFacts | undefined {
  const network = findNetworkCode(error);
  if (APICallError.isInstance(error)) {
    const body = parseBody(error.responseBody);
    return {
      ...nothing,
      ...toldBy(body),
      message: messageIn(body) ?? error.message,
      status: error.statusCode,
      headers: error.responseHeaders ?? {},
      network,
      isInStream: (error.statusCode ?? 500) < 300,
      // The answer was a good one, and its body was not.
      client: network === undefined && (error.statusCode ?? 500) < 300 ? 'unreadable' : undefined,
      body,
    };
  }
  if (network !== undefined)
    return { ...nothing, message: messageIn(error) ?? '', network, isInStream: true };
  const name = nameOf(error);
  if (name !== undefined) {
    // Clients throw plain errors too, at an answer they did not expect; a defect of ado is a TypeError or its like.
    if (name !== 'Error' && !name.startsWith('AI_')) return undefined;
    const client = unsentErrors.includes(name) ? 'unsent' : 'unreadable';
    // What could not be read is quoted there, so it is not repeated.
    const message = client === 'unsent' ? (messageIn(error) ?? '') : '';
    return { ...nothing, message, client, isInStream: client === 'unreadable' };
  }
  // Errors inside a stream are plain objects: the client's own, or the provider's as it came.
  const told = toldBy(error);
  const given = numberAt(error, 'statusCode');
  return {
    ...nothing,
    ...told,
    status: given ?? told.words.map(Number).find((code) => code >= 400 && code < 600),
    message: messageIn(error) ?? (typeof error === 'string' ? error : ''),
    isInStream: true,
    body: fieldOf(error, 'data') ?? error,
  };
}

/** The name of an error, of whatever realm; undefined for what is no error. */
export function nameOf(error: unknown): string | undefined {
  const name = fieldOf(error, 'name');
  return typeof name === 'string' && typeof fieldOf(error, 'stack') === 'string' ? name : undefined;
}

/** The field of an object; undefined for anything else. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** The number in a field of an object; undefined where there is none. */
export function numberAt(value: unknown, name: string): number | undefined {
  const found = fieldOf(value, name);
  return typeof found === 'number' ? found : undefined;
}

function parseBody(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    // Google answers a list when it was asked for a stream.
    return Array.isArray(body) ? body[0] : body;
  } catch {
    return undefined;
  }
}

/** Bodies say `{error: {…}}`, OpenAI's streams `{response: {error: {…}}}`, older vLLM the fields themselves, Ollama `{error: "…"}`. */
function errorIn(body: unknown): unknown {
  const data = fieldOf(body, 'data');
  const within = data === undefined ? body : data;
  const error = fieldOf(within, 'error') ?? fieldOf(fieldOf(within, 'response'), 'error');
  return error ?? within;
}

function messageIn(body: unknown): string | undefined {
  const error = errorIn(body);
  if (typeof error === 'string') return error;
  const message = fieldOf(error, 'message') ?? fieldOf(body, 'message');
  return typeof message === 'string' ? message : undefined;
}

function toldBy(body: unknown): Pick<ErrorFacts, 'words' | 'details'> {
  const error = errorIn(body);
  const list = fieldOf(error, 'details');
  const details = (Array.isArray(list) ? list : []).filter(isRecord);
  const words = [
    ...['type', 'code', 'status', 'reason'].flatMap((name) => [
      fieldOf(error, name),
      fieldOf(body, name),
    ]),
    fieldOf(fieldOf(error, 'details'), 'error_code'),
    ...details.map((detail) => detail['reason']),
  ].filter((word) => typeof word === 'string' || typeof word === 'number');
  return { words: words.map((word) => String(word).toLowerCase()), details };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The code of a network failure somewhere in an error's chain of causes. */
function findNetworkCode(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; depth < 8; depth += 1) {
    const name = nameOf(current);
    if (name === undefined) return undefined;
    if (name === 'TimeoutError') return 'TIMEOUT';
    const code = fieldOf(current, 'code');
    // Node's and undici's codes are words in capitals; those of ado and of the client are not network codes.
    if (typeof code === 'string' && networkCode.test(code)) return code;
    const cause = fieldOf(current, 'cause');
    const message = fieldOf(current, 'message');
    if (cause === undefined && /^(terminated|fetch failed)$/.test(String(message)))
      return 'ECONNRESET';
    current = cause;
  }
  return undefined;
}

const networkCode =
  /^(E[A-Z]{3,}|EAI_[A-Z]+|UND_ERR_[A-Z_]+|CERT_[A-Z_]+|ERR_TLS_[A-Z_]+|ERR_SSL_[A-Z_0-9]+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_[A-Z_]+|HPE_[A-Z_]+)$/;
