/** Makes the answer to a call, and says what it is billed for and what it takes of the limits. */
import type { Costs } from './account-limits.ts';
import type { Choice } from './script-runner.ts';
import type { Script } from './script.ts';
import { inventAnswer, seededText } from './seeded.ts';
import { tokensOf } from './usage.ts';
import type { Usage } from './usage.ts';
import type { ModelRequest, Reply, WireFormat } from './wire-format.ts';

/** A reply, which may be one that was given before. */
export interface PlannedReply extends Reply {
  /** Id of the answer that this one repeats; it is billed once. */
  readonly duplicateOf?: string;
}

/** What a reply is made of. */
export interface ReplyWish {
  readonly format: WireFormat;
  readonly asked: ModelRequest;
  readonly choice: Choice;
  readonly script: Script;
  /** Number of the call; ids follow from it and from the script's seed. */
  readonly number: number;
  readonly nowMs: number;
  /** The last answer of the account on this wire. */
  readonly last: Reply | undefined;
}

/** Makes the answer to a call; undefined when there are scripted answers and none fits. */
export function makeReply(wish: ReplyWish): PlannedReply | undefined {
  const { asked, choice, script, format, last } = wish;
  if (choice.fault?.duplicate === true && last !== undefined) {
    return { ...last, usageWanted: asked.usageWanted, duplicateOf: last.id };
  }
  const scripted = choice.answer;
  if (scripted === undefined && script.answers.length > 0) return undefined;
  const answer =
    scripted ?? inventAnswer(script.seed, asked.model, asked.lastText, asked.characters);
  return {
    id: format.newId(seededText(script.seed, wish.number)),
    model: asked.model,
    createdAtMs: wish.nowMs,
    answer,
    usage: format.toBilled(usageOf(asked, answer, scripted?.usage)),
    usageWanted: asked.usageWanted,
  };
}

/** What an answer is billed for: what the script says, and for the rest a token for every four characters. */
function usageOf(asked: ModelRequest, answer: Reply['answer'], said: Partial<Usage> = {}): Usage {
  const guessed = guessUsage(asked, answer);
  const usage: Usage = { ...guessed, ...said };
  const shownTokens = guessed.outputTokens - guessed.reasoningTokens;
  // The script names reasoning alone: the rest is guessed as before. It names output alone: that is all there is.
  const outputTokens = said.outputTokens ?? usage.reasoningTokens + shownTokens;
  return {
    ...usage,
    outputTokens,
    reasoningTokens: Math.min(usage.reasoningTokens, outputTokens),
  };
}

function guessUsage(asked: ModelRequest, { reasoning, text, toolCalls }: Reply['answer']): Usage {
  const inputs = toolCalls.map(({ input }) => JSON.stringify(input).length);
  const shown = inputs.reduce((sum, length) => sum + length, text?.length ?? 0);
  const reasoningTokens = tokensOf(reasoning?.length ?? 0);
  return {
    inputTokens: tokensOf(asked.characters),
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: reasoningTokens + tokensOf(shown),
    reasoningTokens,
  };
}

/** What a call takes of the limits before its answer. Errors and repeated answers take a request only. */
export function costsOf(wish: ReplyWish, reply: PlannedReply): Costs {
  if (isFree(wish.choice, reply)) return { requests: 1, inputTokens: 0, tokens: 0 };
  const inputTokens = wish.format.limitedInputTokens(reply.usage);
  const output = wish.asked.maxOutputTokens ?? reply.usage.outputTokens;
  return { requests: 1, inputTokens, tokens: inputTokens + output };
}

/** Answers whether a call costs no tokens. */
export function isFree({ fault }: Choice, { duplicateOf }: PlannedReply): boolean {
  return fault?.error !== undefined || duplicateOf !== undefined;
}
