/** The lists of models: the one question that a client can ask of a vendor for free. Not a call: no limits, no log. */
import type { IncomingHttpHeaders } from 'node:http';
import { anthropic } from './formats/anthropic.ts';
import { gemini } from './formats/gemini.ts';
import { openAiChat } from './formats/openai-chat.ts';
import { openAiResponses } from './formats/openai-responses.ts';
import type { FormatName, Script } from './script.ts';
import type { CallError } from './incoming-call.ts';
import type { WireFormat } from './wire-format.ts';

/** A question for the models of a vendor. */
export interface ModelListRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly query: URLSearchParams;
}

/** Models of each wire; those that the script names are served too. */
const served: Readonly<Record<FormatName, readonly string[]>> = {
  anthropic: ['claude-opus-4-5', 'claude-sonnet-4-5', 'claude-haiku-4-5'],
  'openai-responses': ['gpt-5', 'gpt-5-mini'],
  'openai-chat': ['gpt-5', 'gpt-5-mini', 'qwen3'],
  gemini: ['gemini-2.5-pro', 'gemini-2.5-flash'],
};

/** Answers a question for models, or what the vendor would find wrong with it; undefined for another path. */
export function answerModelList(
  script: Script,
  request: ModelListRequest,
): { readonly status: number; readonly body: unknown } | undefined {
  const format = findFormat(request);
  if (format === undefined) return undefined;
  const key = format.findKey(request.headers, request.query) ?? '';
  const error = key === '' && format.keyNeeded ? { status: 401 } : findFault(script, format, key);
  if (error !== undefined)
    return { status: error.status, body: format.toErrorBody({ ...error, model: '' }) };
  const scripted = [...script.answers, ...script.faults].flatMap(({ when }) =>
    when.model === undefined || (when.format ?? format.name) !== format.name ? [] : [when.model],
  );
  const models = [...new Set([...served[format.name], ...scripted])];
  return { status: 200, body: toBody(format.name, models) };
}

/** Anthropic and OpenAI have the same path; the clients of one tell the version that they speak. */
function findFormat({ path, headers }: ModelListRequest): WireFormat | undefined {
  if (path === '/v1beta/models') return gemini;
  if (path !== '/v1/models') return undefined;
  if (headers['anthropic-version'] !== undefined) return anthropic;
  // OpenAI's two interfaces share the list; without a key it can only be one of those that need none.
  return headers.authorization === undefined ? openAiChat : openAiResponses;
}

/** An error that the script gives to all that comes with a key, not only to some of its calls. */
function findFault(script: Script, { name }: WireFormat, key: string): CallError | undefined {
  return script.faults.find(
    ({ error, when: { key: wanted, format = name, ...rest } }) =>
      error !== undefined && wanted === key && format === name && Object.keys(rest).length === 0,
  )?.error;
}

function toBody(format: FormatName, models: readonly string[]): unknown {
  switch (format) {
    case 'anthropic':
      return {
        data: models.map((id) => ({
          type: 'model',
          id,
          display_name: id,
          created_at: '2025-10-01T00:00:00Z',
        })),
        has_more: false,
        first_id: models.at(0),
        last_id: models.at(-1),
      };
    case 'openai-responses':
    case 'openai-chat':
      return {
        object: 'list',
        data: models.map((id) => ({
          id,
          object: 'model',
          created: 1_760_000_000,
          owned_by: 'emulator',
        })),
      };
    case 'gemini':
      return {
        models: models.map((id) => ({
          name: `models/${id}`,
          supportedGenerationMethods: ['generateContent', 'countTokens'],
        })),
      };
  }
}
