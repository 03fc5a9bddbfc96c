/**
 * A language model that answers from a script. It needs no key and no network, and keeps no state: which answer is due
 * follows from the conversation alone, so any worker can go on after another has died.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolResultOutput,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { AppError } from '../../contracts/errors.ts';
import type { ModelScript, ScriptedAnswer, ScriptedRequest } from './model-script.ts';

/** Characters of one piece of a stream. */
const pieceLength = 24;
/** Characters that are about one token. */
const charactersPerToken = 4;

/** A model of the provider `scripted`. A request that the script does not expect is refused with SCRIPT_MISMATCH. */
export function createScriptedModel(file: string, script: ModelScript): LanguageModelV4 {
  const answerTo = async (
    options: LanguageModelV4CallOptions,
  ): Promise<LanguageModelV4GenerateResult> => {
    options.abortSignal?.throwIfAborted();
    const request = toRequest(options);
    const answer = await script.answer(request);
    if (answer === undefined) throw mismatch(file, request, 'there is no answer left');
    assertExpected(file, request, answer);
    if (answer.delayMs > 0) await pause(answer.delayMs, options.abortSignal);
    return toResult(file, request, answer);
  };
  return {
    specificationVersion: 'v4',
    provider: 'scripted',
    modelId: file,
    supportedUrls: {},
    doGenerate: answerTo,
    async doStream(options) {
      const result = await answerTo(options);
      return { stream: toStream(result, options.abortSignal) };
    },
  };
}

/** Counts the answers that a conversation has had. */
export function countTurns(messages: readonly LanguageModelV4Message[]): number {
  return messages.filter(({ role }) => role === 'assistant').length;
}

function toRequest({ prompt, tools = [] }: LanguageModelV4CallOptions): ScriptedRequest {
  const first = prompt.find(({ role }) => role === 'user');
  return {
    turn: countTurns(prompt) + 1,
    prompt: first === undefined ? '' : textOf(first),
    messages: prompt,
    tools,
  };
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

function assertExpected(file: string, request: ScriptedRequest, { expect }: ScriptedAnswer): void {
  if (expect === undefined) return;
  const last = request.messages.at(-1);
  if (last === undefined) throw mismatch(file, request, 'the request has no message');
  const { toolResult, contains } = expect;
  const seen = toolResult === undefined ? textOf(last) : resultsOf(last, toolResult);
  if (seen === undefined)
    throw mismatch(file, request, `expected a result of the tool ${String(toolResult)}`);
  if (contains !== undefined && !seen.includes(contains)) {
    throw mismatch(file, request, `expected ${JSON.stringify(contains)} in the last message`);
  }
}

function mismatch(file: string, { turn, messages }: ScriptedRequest, what: string): AppError {
  const last = messages.at(-1);
  const came = last === undefined ? 'nothing' : `${last.role}: ${shorten(textOf(last))}`;
  return new AppError('SCRIPT_MISMATCH', `${file}, turn ${turn}: ${what}. What came: ${came}`);
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text);
}

/** The text of a message, whatever it consists of. */
function textOf(message: LanguageModelV4Message): string {
  if (message.role === 'system') return message.content;
  const texts = message.content.map((part) => {
    if (part.type === 'text' || part.type === 'reasoning') return part.text;
    return part.type === 'tool-result' ? outputText(part.output) : '';
  });
  return texts.filter((text) => text !== '').join('\n');
}

/** The text of a tool's results in a message; undefined when there is none. */
function resultsOf(message: LanguageModelV4Message, tool: string): string | undefined {
  if (message.role !== 'tool') return undefined;
  const results = message.content.flatMap((part) =>
    part.type === 'tool-result' && part.toolName === tool ? [outputText(part.output)] : [],
  );
  return results.length === 0 ? undefined : results.join('\n');
}

function outputText(output: LanguageModelV4ToolResultOutput): string {
  if (output.type === 'execution-denied') return output.reason ?? '';
  return typeof output.value === 'string' ? output.value : JSON.stringify(output.value);
}

function toResult(
  file: string,
  request: ScriptedRequest,
  answer: ScriptedAnswer,
): LanguageModelV4GenerateResult {
  const content: LanguageModelV4Content[] = [];
  if (answer.reasoning !== undefined) content.push({ type: 'reasoning', text: answer.reasoning });
  if (answer.text !== undefined) content.push({ type: 'text', text: answer.text });
  for (const [index, { tool, input }] of answer.toolCalls.entries()) {
    const toolCallId = `call-${request.turn}-${index + 1}`;
    content.push({ type: 'tool-call', toolCallId, toolName: tool, input: JSON.stringify(input) });
  }
  const whole = answer.toolCalls.length > 0 ? 'tool-calls' : 'stop';
  const unified = answer.cut === true ? 'length' : whole;
  const conversation = JSON.stringify(request.messages);
  return {
    content,
    finishReason: { unified, raw: unified },
    usage: usageOf(conversation, content, answer),
    response: {
      id: `scripted-${createHash('sha256').update(conversation).digest('hex').slice(0, 32)}`,
      modelId: file,
    },
    warnings: [],
  };
}

function usageOf(
  conversation: string,
  content: readonly LanguageModelV4Content[],
  answer: ScriptedAnswer,
): LanguageModelV4Usage {
  const count = (text: string): number => Math.ceil(text.length / charactersPerToken);
  const { inputTokens = count(conversation), outputTokens = count(JSON.stringify(content)) } =
    answer.usage ?? {};
  const reasoning = Math.min(count(answer.reasoning ?? ''), outputTokens);
  return {
    inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: outputTokens, text: outputTokens - reasoning, reasoning },
  };
}

/** The result as a provider streams it, piece by piece; ends with the signal's reason when aborted. */
function toStream(
  result: LanguageModelV4GenerateResult,
  signal: AbortSignal | undefined,
): ReadableStream<LanguageModelV4StreamPart> {
  const parts = streamParts(result);
  return new ReadableStream({
    pull(controller) {
      if (signal?.aborted === true) {
        controller.error(signal.reason);
        return;
      }
      const next = parts.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

function* streamParts(result: LanguageModelV4GenerateResult): Generator<LanguageModelV4StreamPart> {
  yield { type: 'stream-start', warnings: result.warnings };
  yield { type: 'response-metadata', id: result.response?.id, modelId: result.response?.modelId };
  for (const [index, part] of result.content.entries()) {
    const id = String(index);
    if (part.type === 'text' || part.type === 'reasoning') {
      yield { type: `${part.type}-start`, id };
      for (const delta of piecesOf(part.text)) yield { type: `${part.type}-delta`, id, delta };
      yield { type: `${part.type}-end`, id };
    } else if (part.type === 'tool-call') {
      yield { type: 'tool-input-start', id: part.toolCallId, toolName: part.toolName };
      for (const delta of piecesOf(part.input))
        yield { type: 'tool-input-delta', id: part.toolCallId, delta };
      yield { type: 'tool-input-end', id: part.toolCallId };
      yield part;
    }
  }
  yield { type: 'finish', usage: result.usage, finishReason: result.finishReason };
}

function* piecesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; start += pieceLength)
    yield text.slice(start, start + pieceLength);
}
