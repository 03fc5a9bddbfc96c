/** Anthropic's Messages API, as Claude Code asks. */
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

/** Least that a model may be told to think. */
const leastThinkingTokens = 1_024;
/** Fields that change the price of a token, or have the provider run or reach something. */
const leftOut = ['service_tier', 'speed', 'inference_geo', 'mcp_servers', 'container'];
/** Tools with a type of their own that the program itself carries out. */
const ownTools = /^(custom|bash|text_editor|memory|computer)(_|$)/;

/** Types of errors by status. */
const errorTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** Anthropic on the wire. */
export const anthropicWire: Wire = {
  findEndpoint(path) {
    if (path === '/v1/messages') return { kind: 'answer', operation: 'messages' };
    if (path === '/v1/messages/count_tokens')
      return { kind: 'count', operation: 'messages/count_tokens' };
    return undefined;
  },
  maxOutputOf: (body) => countAt(body, 'max_tokens'),
  toRequest({ kind, operation }, body, { modelId, maxOutputTokens }) {
    const maxTokens = shorterOf(countAt(body, 'max_tokens'), maxOutputTokens);
    const tools = listAt(body, 'tools')?.filter(isOwnTool);
    return {
      path: `/${operation}`,
      body: {
        ...without(body, leftOut),
        ...present('tools', tools),
        model: modelId,
        ...(kind === 'count'
          ? {}
          : { ...present('max_tokens', maxTokens), ...thinkingWithin(body, maxTokens) }),
      },
    };
  },
  passedHeaders: ['anthropic-version', 'anthropic-beta'],
  read(event, state) {
    const type = fieldOf(event, 'type');
    if (type === 'error') state.error = event;
    const message = type === 'message_start' ? fieldOf(event, 'message') : event;
    if (type === 'message_start' || type === 'message') {
      state.responseId = textAt(message, 'id');
      state.servedModel = textAt(message, 'model');
    }
    if (type === 'message_stop' || type === 'message') state.isWhole = true;
  },
  toErrorBody: (status, message) => ({
    type: 'error',
    error: { type: errorTypes[status] ?? 'api_error', message },
  }),
};

function isOwnTool(tool: unknown): boolean {
  const type = textAt(tool, 'type');
  return type === undefined || ownTools.test(type);
}

/** A budget for thinking has to be smaller than the answer. */
function thinkingWithin(body: WireBody, maxTokens: number | undefined): WireBody {
  const thinking = fieldOf(body, 'thinking');
  const budget = countAt(thinking, 'budget_tokens');
  if (maxTokens === undefined || budget === undefined || budget < maxTokens) return {};
  if (maxTokens <= leastThinkingTokens) return { thinking: { type: 'disabled' } };
  return { thinking: { ...(thinking as WireBody), budget_tokens: maxTokens - 1 } };
}
