/** OpenAI's Responses API, as Codex asks. */
import { fieldOf } from '../models/error-facts.ts';
import { countAt, listAt, present, shorterOf, textAt, without, type Wire } from './wire.ts';

/** Fields that change the price of a token, or leave the work to a request that nobody waits for. */
const leftOut = ['service_tier', 'background', 'conversation'];
/** Types of tools that the program itself carries out. */
const ownTools = ['function', 'custom', 'local_shell', 'apply_patch', 'namespace'];

/** Types of errors by status. */
const errorTypes: Readonly<Record<number, string>> = {
  429: 'rate_limit_error',
  500: 'server_error',
  503: 'server_error',
};

/** OpenAI on the wire. */
export const openaiWire: Wire = {
  findEndpoint: (path) =>
    /^(\/v1)?\/responses$/.test(path) ? { kind: 'answer', operation: 'responses' } : undefined,
  maxOutputOf: (body) => countAt(body, 'max_output_tokens'),
  toRequest({ operation }, body, { modelId, maxOutputTokens }) {
    const most = shorterOf(countAt(body, 'max_output_tokens'), maxOutputTokens);
    const tools = listAt(body, 'tools')?.filter((tool) =>
      ownTools.includes(textAt(tool, 'type') ?? ''),
    );
    return {
      path: `/${operation}`,
      body: {
        ...without(body, leftOut),
        ...present('tools', tools),
        ...present('max_output_tokens', most),
        model: modelId,
        store: false,
      },
    };
  },
  passedHeaders: ['openai-beta'],
  read(event, state) {
    const type = textAt(event, 'type');
    if (type === 'error' || type === 'response.failed') state.error = event;
    const response = fieldOf(event, 'object') === 'response' ? event : fieldOf(event, 'response');
    state.responseId = textAt(response, 'id') ?? state.responseId;
    state.servedModel = textAt(response, 'model') ?? state.servedModel;
    const isEnd = type === 'response.completed' || type === 'response.incomplete';
    if (isEnd || response === event) state.isWhole = true;
  },
  toErrorBody: (status, message) => ({
    error: {
      message,
      type: errorTypes[status] ?? 'invalid_request_error',
      param: null,
      code: status === 429 ? 'rate_limit_exceeded' : null,
    },
  }),
};
