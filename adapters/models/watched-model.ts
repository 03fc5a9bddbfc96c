/**
 * A client's model as ado uses it: every failure is a `ModelCallError`, and an answer is whole or it is a failure.
 *
 * - Clients end a stream that was cut with a `finish` of their own, and give out the tool calls that were being written.
 *   Here tool calls are held back until the provider's own end has come.
 * - An answer that ran into its length limit loses the tool call that was being written.
 * - Reasoning goes back to who made it, and to nobody else.
 * - A cancelled call ends with the signal's reason; a signal that timed out is a failure of the provider.
 */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolCall,
} from '@ai-sdk/provider';
import { badAnswer, cutOff } from './error-facts.ts';
import { toFailure, Unusable, type Watch, type WatchedCall } from './failed-call.ts';
import type { ProviderClient } from './provider-client.ts';
import { keepOwnReasoning, markOrigin, originOf } from './reasoning-origin.ts';
import { createUsageMeter } from './usage-meter.ts';

type Part = LanguageModelV4StreamPart;
type Finish = Extract<Part, { type: 'finish' }>;

/** Wraps a client's model. Repeats nothing and waits for nothing. */
export function watchModel({ model, prepare }: ProviderClient, watch: Watch): LanguageModelV4 {
  const start = (signal: AbortSignal | undefined): WatchedCall => ({
    ...watch,
    meter: createUsageMeter(watch.account.provider),
    signal,
    headers: {},
  });
  const request = (options: LanguageModelV4CallOptions): LanguageModelV4CallOptions =>
    prepare(keepOwnReasoning(options, originOf(watch.account)));
  return {
    specificationVersion: 'v4',
    provider: watch.account.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    async doGenerate(options) {
      try {
        return await model.doGenerate(request(options));
      } catch (error) {
        throw toFailure(error, start(options.abortSignal));
      }
    },
    async doStream(options) {
      const call = start(options.abortSignal);
      try {
        const result = await model.doStream({ ...request(options), includeRawChunks: true });
        call.headers = result.response?.headers ?? {};
        const wantsRaw = options.includeRawChunks === true;
        return { ...result, stream: watchStream(result.stream, call, wantsRaw) };
      } catch (error) {
        throw toFailure(error, call);
      }
    },
  };
}

function watchStream(
  stream: ReadableStream<Part>,
  call: WatchedCall,
  wantsRaw: boolean,
): ReadableStream<Part> {
  const reader = stream.getReader();
  const filter = createFilter(call, wantsRaw);
  return new ReadableStream<Part>({
    async pull(controller) {
      try {
        let given: readonly Part[] = [];
        while (given.length === 0) {
          const { done, value } = await reader.read();
          if (done) throw new Unusable(cutOff);
          given = filter(value);
        }
        for (const part of given) controller.enqueue(part);
        if (given.at(-1)?.type !== 'finish') return;
        controller.close();
        void drain(reader);
      } catch (error) {
        controller.error(toFailure(error instanceof Told ? error.error : error, call));
        reader.cancel().catch(() => undefined);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Reads what comes after the end, so that the connection serves the next call too. */
async function drain(reader: ReadableStreamDefaultReader<Part>): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is whole already.
  }
}

/** The stream carries an error, which need not be an `Error`. */
class Told extends Error {
  readonly error: unknown;

  constructor(error: unknown) {
    super('the stream carries an error');
    this.error = error;
  }
}

/** What of a stream's part is given on, now. @throws what the stream says went wrong */
function createFilter(call: WatchedCall, wantsRaw: boolean): (part: Part) => readonly Part[] {
  const held: LanguageModelV4ToolCall[] = [];
  const origin = originOf(call.account);
  let lastBlock: string | undefined;
  return (part) => {
    if (part.type === 'raw') {
      call.meter.read(part.rawValue);
      return wantsRaw ? [part] : [];
    }
    if (part.type === 'error') throw new Told(part.error);
    if (part.type === 'tool-call' && part.providerExecuted !== true) {
      held.push(part);
      return [];
    }
    if (part.type === 'finish') return [...wholeCalls(held, lastBlock, part), toEnd(part, call)];
    if (isBlockStart(part)) lastBlock = part.id;
    return [markOrigin(part, origin)];
  };
}

function isBlockStart(part: Part): part is Extract<Part, { type: `${string}-start`; id: string }> {
  return ['text-start', 'reasoning-start', 'tool-input-start'].includes(part.type);
}

/** The calls that were written to their end: where the answer reached its length limit, not the one it stopped in. */
function wholeCalls(
  held: readonly LanguageModelV4ToolCall[],
  lastBlock: string | undefined,
  { finishReason }: Finish,
): readonly LanguageModelV4ToolCall[] {
  if (finishReason.unified !== 'length') return held;
  return held.filter(({ toolCallId, input }) => toolCallId !== lastBlock && isJson(input));
}

/** The end with the provider's own words of usage. @throws Unusable when it is the client's end, or that of a bad answer */
function toEnd(part: Finish, { account, meter }: WatchedCall): Finish {
  const { unified, raw: word } = part.finishReason;
  // Clients end a cut stream themselves; a word of the provider's own makes it the provider's end.
  if (unified === 'interrupted' || unified === 'error')
    throw new Unusable(word === undefined ? cutOff : badAnswer(word));
  const metered = meter.soFar();
  if (metered === undefined) return part;
  // The client of compatible servers does not know that they may report writes to a cache.
  const counts = account.provider === 'openai-compatible' ? metered : part.usage;
  return { ...part, usage: { ...counts, ...(metered.raw && { raw: metered.raw }) } };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
