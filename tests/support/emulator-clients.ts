/** The vendors' wires as their real clients speak them, at the level of the language model, where nothing is retried. */
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import type { FormatName } from '../../cli/emulator/script.ts';

/** How a client is made. */
interface ClientOptions {
  readonly apiKey?: string;
  /** Stands in for the global one. */
  readonly fetch?: typeof fetch;
}

/** A wire and who speaks it. */
export interface Wire {
  readonly format: FormatName;
  readonly model: (url: string, options?: ClientOptions) => LanguageModelV4;
  /** Whether the vendor tells reasoning in words. */
  readonly tellsReasoning: boolean;
  /** Whether its client tells what was written to a cache. */
  readonly tellsCacheWrites: boolean;
}

/** Every client, by name. */
export const wires: Readonly<Record<string, Wire>> = {
  anthropic: {
    format: 'anthropic',
    model: (url, options = {}) =>
      createAnthropic({ baseURL: `${url}/v1`, apiKey: 'key', ...options })('claude-sonnet-4-5'),
    tellsReasoning: true,
    tellsCacheWrites: true,
  },
  'openai responses': {
    format: 'openai-responses',
    model: (url, options = {}) =>
      createOpenAI({ baseURL: `${url}/v1`, apiKey: 'key', ...options }).responses('gpt-5'),
    tellsReasoning: true,
    tellsCacheWrites: true,
  },
  'openai chat': {
    format: 'openai-chat',
    model: (url, options = {}) =>
      createOpenAI({ baseURL: `${url}/v1`, apiKey: 'key', ...options }).chat('gpt-5'),
    tellsReasoning: false,
    tellsCacheWrites: true,
  },
  'openai-compatible': {
    format: 'openai-chat',
    model: (url, options = {}) =>
      createOpenAICompatible({
        baseURL: `${url}/v1`,
        name: 'local',
        apiKey: 'key',
        ...options,
        includeUsage: true,
      })('qwen3'),
    tellsReasoning: true,
    tellsCacheWrites: false,
  },
  gemini: {
    format: 'gemini',
    model: (url, options = {}) =>
      createGoogle({ baseURL: `${url}/v1beta`, apiKey: 'key', ...options })('gemini-2.5-pro'),
    tellsReasoning: true,
    tellsCacheWrites: false,
  },
};

/** Every client with its name, for `it.each`. */
export const eachWire: readonly (readonly [string, Wire])[] = Object.entries(wires);

/** A conversation that begins with a text of the user. */
export function ask(text: string, ...more: LanguageModelV4Prompt): LanguageModelV4CallOptions {
  return { prompt: [{ role: 'user', content: [{ type: 'text', text }] }, ...more] };
}

/** What came of a stream: its parts, and the error that ended it, if one did. */
export interface StreamEnd {
  readonly parts: readonly LanguageModelV4StreamPart[];
  readonly error: unknown;
}

/** Reads a stream to whatever end it has. */
export async function readStream(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
): Promise<StreamEnd> {
  const parts: LanguageModelV4StreamPart[] = [];
  try {
    const { stream } = await model.doStream(options);
    for await (const part of stream) parts.push(part);
  } catch (error) {
    return { parts, error };
  }
  return { parts, error: parts.find((part) => part.type === 'error')?.error };
}

/** The error that a call ends with; fails when there is none. */
export async function failureOf(
  call: PromiseLike<LanguageModelV4GenerateResult>,
): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('The call succeeded.');
}

/** The texts of a stream: what was said, and what was thought. */
export function textsOf({ parts }: StreamEnd): { text: string; reasoning: string } {
  const join = (type: 'text-delta' | 'reasoning-delta'): string =>
    parts.map((part) => (part.type === type ? part.delta : '')).join('');
  return { text: join('text-delta'), reasoning: join('reasoning-delta') };
}
