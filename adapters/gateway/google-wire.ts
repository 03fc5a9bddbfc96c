/** Google's Gemini API, as the Gemini CLI asks. */
import { fieldOf } from '../models/error-facts.ts';
import {
  countAt,
  listAt,
  present,
  shorterOf,
  textAt,
  without,
  type Wire,
  type WireBody,
} from './wire.ts';

/** Fields that change the price of a token, or name what another request has stored. */
const leftOut = ['serviceTier', 'service_tier', 'cachedContent', 'model'];

/** Statuses of google.rpc by HTTP status. */
const rpcStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
};

/** Gemini on the wire. */
export const googleWire: Wire = {
  findEndpoint(path) {
    const [, operation] =
      /^\/v1beta\/models\/[^/:]+:(generateContent|streamGenerateContent|countTokens)$/.exec(path) ??
      [];
    if (operation === undefined) return undefined;
    return { kind: operation === 'countTokens' ? 'count' : 'answer', operation };
  },
  maxOutputOf: (body) => countAt(fieldOf(body, 'generationConfig'), 'maxOutputTokens'),
  toRequest({ kind, operation }, body, { modelId, maxOutputTokens }) {
    const path = `/models/${encodeURIComponent(modelId)}:${operation}`;
    // It may name the model a second time, within.
    if (kind === 'count')
      return { path, body: without(body, [...leftOut, 'generateContentRequest']) };
    const config = fieldOf(body, 'generationConfig') as WireBody | undefined;
    const most = shorterOf(countAt(config, 'maxOutputTokens'), maxOutputTokens);
    const tools = listAt(body, 'tools')?.flatMap(ownFunctions);
    const isStream = operation === 'streamGenerateContent';
    return {
      path: isStream ? `${path}?alt=sse` : path,
      body: {
        ...without(body, leftOut),
        ...(tools === undefined || tools.length === 0 ? { tools: undefined } : { tools }),
        generationConfig: { ...config, ...present('maxOutputTokens', most) },
      },
    };
  },
  passedHeaders: [],
  read(event, state) {
    if (fieldOf(event, 'error') !== undefined) state.error = event;
    state.responseId = textAt(event, 'responseId') ?? state.responseId;
    const [candidate] = listAt(event, 'candidates') ?? [];
    const isBlocked = fieldOf(fieldOf(event, 'promptFeedback'), 'blockReason') !== undefined;
    if (isBlocked || textAt(candidate, 'finishReason') !== undefined) state.isWhole = true;
  },
  toErrorBody: (status, message) => ({
    error: { code: status, message, status: rpcStatuses[status] ?? 'INTERNAL' },
  }),
};

/** Functions are the program's; a search, a page or code would be the provider's to run. */
function ownFunctions(tool: unknown): readonly WireBody[] {
  const functions = fieldOf(tool, 'functionDeclarations') ?? fieldOf(tool, 'function_declarations');
  return functions === undefined ? [] : [{ functionDeclarations: functions }];
}
