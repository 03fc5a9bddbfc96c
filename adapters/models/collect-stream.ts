/** From a model's stream to the message that goes into the transcript. */
import type {
  LanguageModelV4FinishReason,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  SharedV4ProviderMetadata,
} from '@ai-sdk/provider';
import { AppError } from '../../contracts/errors.ts';
import type { AnswerFacts } from '../ports.ts';
import { fieldOf } from './error-facts.ts';
import { tokensOf } from './usage-meter.ts';

/** An assistant's message. */
export type AssistantMessage = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type AssistantPart = AssistantMessage['content'][number];

/** A whole answer. */
export interface CollectedAnswer extends AnswerFacts {
  readonly message: AssistantMessage;
  readonly finishReason: LanguageModelV4FinishReason['unified'];
}

/** Metadata of a provider, by its name. */
type Metadata = SharedV4ProviderMetadata | undefined;

/** A part of the message that is still being written. */
interface Block {
  part: AssistantPart | undefined;
  metadata: Metadata;
}

/**
 * Reduces a stream to the message, its usage and how it ended. Blocks stand in the order in which they began. What a
 * provider says about a block at its start, in its deltas and at its end is merged: some send the signature of a
 * reasoning block only with a delta, and refuse the next request without it.
 * @param onText called with each piece of text as it comes
 * @param onBegin called with the first piece of anything
 * @throws MODEL_UNAVAILABLE when the stream breaks off or carries an error: nothing of it may be used, least of all a
 *   tool call that is not finished
 */
export async function collectStream(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  onText?: (text: string) => void,
  onBegin?: () => void,
): Promise<CollectedAnswer> {
  const blocks = new Map<string, Block>();
  let responseId: string | undefined;
  let servedModel: string | undefined;
  let hasBegun = false;
  for await (const part of stream) {
    if (part.type === 'error') throw brokenOff(part.error);
    if (part.type === 'finish') {
      return {
        message: toMessage(blocks),
        usage: tokensOf(part.usage),
        finishReason: part.finishReason.unified,
        responseId,
        servedModel,
        serviceTier: tierOf(part.usage.raw),
      };
    }
    if (!hasBegun && part.type !== 'stream-start' && part.type !== 'response-metadata') {
      hasBegun = true;
      onBegin?.();
    }
    if (part.type === 'response-metadata') {
      responseId = part.id ?? responseId;
      servedModel = part.modelId ?? servedModel;
    }
    if (part.type === 'text-delta') onText?.(part.delta);
    addPart(blocks, part);
  }
  throw brokenOff(undefined);
}

function tierOf(raw: unknown): string | undefined {
  const tier = fieldOf(raw, 'service_tier') ?? fieldOf(raw, 'serviceTier');
  return typeof tier === 'string' ? tier : undefined;
}

function brokenOff(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const reason = error instanceof Error ? error.message : 'its stream ended too soon';
  return new AppError('MODEL_UNAVAILABLE', `the model broke off: ${reason}`, { cause: error });
}

/** Adds one part of the stream to its block. The ids of texts, reasonings and tool calls are namespaces of their own. */
function addPart(blocks: Map<string, Block>, part: LanguageModelV4StreamPart): void {
  switch (part.type) {
    case 'text-start':
    case 'text-delta':
    case 'text-end':
      addText(blockOf(blocks, `text ${part.id}`, part.providerMetadata), 'text', part);
      return;
    case 'reasoning-start':
    case 'reasoning-delta':
    case 'reasoning-end':
      addText(blockOf(blocks, `reasoning ${part.id}`, part.providerMetadata), 'reasoning', part);
      return;
    case 'tool-input-start':
    case 'tool-input-delta':
    case 'tool-input-end':
      // Takes the call's place in the message; what is said counts only with the `tool-call` that repeats it whole.
      blockOf(blocks, `call ${part.id}`, part.providerMetadata);
      return;
    case 'tool-call':
      blockOf(blocks, `call ${part.toolCallId}`, part.providerMetadata).part = {
        type: 'tool-call',
        toolCallId: part.toolCallId,
        toolName: part.toolName,
        input: parseInput(part.input),
        ...(part.providerExecuted === undefined ? {} : { providerExecuted: part.providerExecuted }),
      };
      return;
    case 'tool-result':
      blockOf(blocks, `result ${part.toolCallId}`, part.providerMetadata).part = {
        type: 'tool-result',
        toolCallId: part.toolCallId,
        toolName: part.toolName,
        output: { type: part.isError === true ? 'error-json' : 'json', value: part.result },
      };
      return;
    case 'custom':
      blockOf(blocks, `part ${blocks.size}`, part.providerMetadata).part = {
        type: 'custom',
        kind: part.kind,
      };
      return;
    case 'file':
    case 'reasoning-file':
      blockOf(blocks, `part ${blocks.size}`, part.providerMetadata).part = {
        type: part.type,
        data: part.data,
        mediaType: part.mediaType,
      };
      return;
    // No part of the message.
    case 'stream-start':
    case 'response-metadata':
    case 'finish':
    case 'error':
    case 'source':
    case 'tool-approval-request':
    case 'ping':
    case 'raw':
  }
}

/** The block of an id, made when it is new, with the metadata merged in. */
function blockOf(blocks: Map<string, Block>, id: string, metadata: Metadata): Block {
  const block = blocks.get(id) ?? { part: undefined, metadata: undefined };
  blocks.set(id, block);
  if (metadata === undefined) return block;
  const merged = { ...block.metadata };
  for (const [provider, values] of Object.entries(metadata))
    merged[provider] = { ...merged[provider], ...values };
  block.metadata = merged;
  return block;
}

function addText(block: Block, type: 'text' | 'reasoning', part: object): void {
  const before = block.part?.type === type ? block.part.text : '';
  const delta = 'delta' in part ? String(part.delta) : '';
  block.part = { type, text: before + delta };
}

/** A tool's input; what is not JSON is kept as text, and the tool then tells the model what is wrong with it. */
function parseInput(input: string): unknown {
  if (input.trim() === '') return {};
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}

function toMessage(blocks: ReadonlyMap<string, Block>): AssistantMessage {
  const content = [...blocks.values()].flatMap(({ part, metadata }): AssistantPart[] => {
    // Providers refuse empty texts.
    if (part === undefined || (part.type === 'text' && part.text === '' && metadata === undefined))
      return [];
    return [metadata === undefined ? part : { ...part, providerOptions: metadata }];
  });
  return { role: 'assistant', content };
}
