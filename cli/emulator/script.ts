/** Emulator scripts: what they may say, and how they are read. docs/emulator.md describes the format. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseYamlFile } from '../../config/yaml-file.ts';
import { AppError } from '../../contracts/errors.ts';

/** The wire formats, by name. */
export const formatNames = ['anthropic', 'openai-responses', 'openai-chat', 'gemini'] as const;
/** One wire format. */
export type FormatName = (typeof formatNames)[number];

const tokens = z.int().nonnegative();
const milliseconds = z.number().nonnegative().max(3_600_000);

const rateSchema = z.strictObject({
  /** What flows back into the bucket, evenly. */
  perMinute: z.number().positive(),
  /** What the full bucket holds; default: a minute's worth, as at the vendors. */
  burst: z.number().positive().optional(),
});
/** How fast a bucket fills, and how much it holds. */
export type Rate = z.infer<typeof rateSchema>;

/** Limits of an account; what is not named is not limited. */
export const limitsSchema = z.strictObject({
  requests: rateSchema.optional(),
  /** Input before the answer; on the Anthropic wire without cache reads. */
  inputTokens: rateSchema.optional(),
  /** Output really produced, taken when it was: a bucket below zero lets nothing in. */
  outputTokens: rateSchema.optional(),
  /** Input and the output asked for (`max_tokens`) together, taken before the answer, as OpenAI does. */
  tokens: rateSchema.optional(),
  /** Calls at the same time. */
  concurrency: z.int().positive().optional(),
});
export type Limits = z.infer<typeof limitsSchema>;

/** Which calls a line of the script is for: all of its parts must hold. */
const whenSchema = z.strictObject({
  /** 1 is the first call of a conversation: the answers it holds already, and one. */
  turn: z.int().positive().optional(),
  /** A text in the last message, tool results included. */
  contains: z.string().min(1).optional(),
  model: z.string().min(1).optional(),
  format: z.enum(formatNames).optional(),
  /** The API key of the call. */
  key: z.string().min(1).optional(),
  /** Numbers among the calls that the other parts fit, counted from 1 as they are let in. */
  calls: z.array(z.int().positive()).min(1).optional(),
});
export type When = z.infer<typeof whenSchema>;

const usageSchema = z.strictObject({
  inputTokens: tokens.optional(),
  cacheReadTokens: tokens.optional(),
  cacheWrite5mTokens: tokens.optional(),
  cacheWrite1hTokens: tokens.optional(),
  outputTokens: tokens.optional(),
  reasoningTokens: tokens.optional(),
});

const answerSchema = z
  .strictObject({
    when: whenSchema.default({}),
    reasoning: z.string().min(1).optional(),
    text: z.string().min(1).optional(),
    toolCalls: z
      .array(
        z.strictObject({
          tool: z.string().min(1),
          input: z.record(z.string(), z.json()).default({}),
        }),
      )
      .default([]),
    /** What is not named is guessed from the lengths of request and answer; caches default to 0. */
    usage: usageSchema.default({}),
  })
  .refine(
    ({ text, toolCalls }) => text !== undefined || toolCalls.length > 0,
    'an answer needs `text`, `toolCalls` or both',
  )
  .refine(
    ({ usage }) => (usage.reasoningTokens ?? 0) <= (usage.outputTokens ?? Infinity),
    'outputTokens include reasoningTokens, and cannot be fewer',
  );
export type ScriptedAnswer = z.infer<typeof answerSchema>;

const errorFields = {
  /** HTTP status: 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504 or 529. */
  status: z.int().min(400).max(599),
  /** Default: what the vendor says. */
  message: z.string().min(1).optional(),
  /** The vendor's word for the error; default: the one that goes with the status. */
  type: z.string().min(1).optional(),
};

const faultSchema = z
  .strictObject({
    when: whenSchema.default({}),
    /** An error in place of an answer; nothing is billed. */
    error: z.strictObject({ ...errorFields, retryAfterMs: milliseconds.optional() }).optional(),
    /** The connection is cut when so many events of the stream were sent. Without a stream: 0 sends nothing, else half. */
    cutAtEvent: z.int().nonnegative().optional(),
    /** An error inside a 200, when so many events of the stream were sent. */
    errorAtEvent: z.strictObject({ event: z.int().nonnegative(), ...errorFields }).optional(),
    /** The answer is ready, and billed, but sent so much later. */
    lateMs: milliseconds.optional(),
    /** A stream's head comes at once, its first event so much later. */
    firstTokenMs: milliseconds.optional(),
    /** How fast a stream's output comes. */
    tokensPerSecond: z.number().positive().optional(),
    /** Headers beside the vendor's own: readings of a plan, a gateway's mark. */
    headers: z
      .record(z.string().regex(/^[a-z0-9-]+$/, 'a name of a header, in small letters'), z.string())
      .optional(),
    /** The account's last answer on this wire comes once more, id and all, and is not billed again. */
    duplicate: z.literal(true).optional(),
  })
  .refine(
    ({ when: _, ...effects }) => Object.keys(effects).length > 0,
    'a fault needs one of error, cutAtEvent, errorAtEvent, lateMs, firstTokenMs, tokensPerSecond, headers, duplicate',
  );
export type Fault = z.infer<typeof faultSchema>;

const scriptSchema = z.strictObject({
  /** Ids and invented answers follow from it. */
  seed: z.int().default(1),
  /** Limits of every account that `accounts` does not name. */
  limits: limitsSchema.default({}),
  /** Limits by API key. */
  accounts: z.record(z.string().min(1), limitsSchema).default({}),
  /** The first one that fits is given. Without any, answers are invented. */
  answers: z.array(answerSchema).default([]),
  /** The first one that fits happens. */
  faults: z.array(faultSchema).default([]),
});
export type Script = z.infer<typeof scriptSchema>;

/** The script that says nothing: no limits, invented answers. */
export const emptyScript: Script = scriptSchema.parse({});

/** Reads a script from YAML or JSON. @throws FILE_INVALID naming line and key of every problem */
export function parseScript(path: string, text: string, variables: NodeJS.ProcessEnv = {}): Script {
  return parseYamlFile({ path, text, variables }, scriptSchema);
}

/** Reads a script file, with `${VAR}` filled in. @throws FILE_INVALID naming file, line and key of every problem */
export async function loadScript(path: string, variables: NodeJS.ProcessEnv): Promise<Script> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new AppError('FILE_INVALID', `${path} cannot be read.`, { cause: error });
  }
  return parseScript(path, text, variables);
}
