/** Model scripts: what they may say, and how they are read. docs/model-scripts.md describes the format. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { AppError, type Problem } from '../../contracts/errors.ts';

const tokens = z.int().nonnegative();

/** One answer of the model. */
const answerSchema = z
  .strictObject({
    /** What the request must look like; else the conversation has left the script. */
    expect: z
      .strictObject({
        /** The last message holds this text. */
        contains: z.string().min(1).optional(),
        /** The last message brings the result of this tool; `contains` then looks into that result. */
        toolResult: z.string().min(1).optional(),
      })
      .optional(),
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
    /** Default: a token for every four characters of the request and of the answer. */
    usage: z.strictObject({ inputTokens: tokens, outputTokens: tokens }).optional(),
    /** The answer ends at its longest length. */
    cut: z.literal(true).optional(),
    /** How long the model thinks before it answers. */
    delayMs: z.int().min(0).max(600_000).default(0),
  })
  .refine(
    ({ text, toolCalls }) => text !== undefined || toolCalls.length > 0,
    'an answer needs `text`, `toolCalls` or both',
  );
export type ScriptedAnswer = z.infer<typeof answerSchema>;

/** Price in millionths of a US dollar for a million tokens. */
const priceSchema = z.strictObject({
  inputMicroUsd: z.int().nonnegative(),
  outputMicroUsd: z.int().nonnegative(),
});
export type ScriptedPrice = z.infer<typeof priceSchema>;

const scriptSchema = z.strictObject({
  /** What tokens cost; nothing unless given. */
  price: priceSchema.optional(),
  answers: z.array(answerSchema).min(1),
});

/** What a script's function is asked with: the conversation up to now. */
export interface ScriptedRequest {
  /** 1 for the first answer: the assistant's messages so far, and one. */
  readonly turn: number;
  /** The text of the first message of the user. */
  readonly prompt: string;
  readonly messages: readonly LanguageModelV4Message[];
  readonly tools: NonNullable<LanguageModelV4CallOptions['tools']>;
}

/** A script that was read. */
export interface ModelScript {
  readonly price: ScriptedPrice;
  /** How many answers there are; undefined when a function makes them. */
  readonly answerCount: number | undefined;
  /** The answer of a turn; undefined when there is none. @throws SCRIPT_MISMATCH */
  answer(request: ScriptedRequest): Promise<ScriptedAnswer | undefined>;
}

const free: ScriptedPrice = { inputMicroUsd: 0, outputMicroUsd: 0 };

/**
 * Reads a script: YAML or JSON, or an `.mjs` module whose default export is a function from request to answer.
 * @throws SCRIPT_INVALID naming file, line and key
 */
export async function loadModelScript(file: string): Promise<ModelScript> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('SCRIPT_INVALID', `${file}: cannot be read (${errorCode(error)})`, {
      cause: error,
    });
  }
  return extname(file) === '.mjs' ? loadModule(file, text) : parseModelScript(file, text);
}

/** Reads a YAML or JSON script. */
function parseModelScript(file: string, text: string): ModelScript {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw invalid(
      document.errors.map(({ pos, message }) => ({
        path: `${file}:${lines.linePos(pos[0]).line}`,
        message,
      })),
    );
  }
  const parsed = scriptSchema.safeParse(document.toJS());
  if (!parsed.success) {
    throw invalid(
      parsed.error.issues.map(({ path, message }) => ({
        path: `${file}:${lineOf(document, lines, path)}`,
        message: path.length === 0 ? message : `${path.join('.')}: ${message}`,
      })),
    );
  }
  const { answers, price = free } = parsed.data;
  return {
    price,
    answerCount: answers.length,
    answer: ({ turn }) => Promise.resolve(answers[turn - 1]),
  };
}

/** The line of a key, or of the innermost part around it that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

const moduleSchema = z.object({
  default: z.custom<(request: ScriptedRequest) => unknown>(
    (value) => typeof value === 'function',
    'no function',
  ),
  price: priceSchema.optional(),
});

/** Modules stay loaded for the life of a process, so a changed file is another module: the hash of its text tells. */
async function loadModule(file: string, text: string): Promise<ModelScript> {
  const url = pathToFileURL(file);
  url.hash = createHash('sha256').update(text).digest('hex');
  let module: unknown;
  try {
    // eslint-disable-next-line no-restricted-syntax -- The module is the user's, named at run time.
    module = await import(url.href);
  } catch (error) {
    throw invalid([
      { path: file, message: error instanceof Error ? error.message : String(error) },
    ]);
  }
  const parsed = moduleSchema.safeParse(module);
  if (!parsed.success) {
    throw invalid(
      parsed.error.issues.map(({ path, message }) => ({
        path: file,
        message: `export ${path.join('.')}: ${message}`,
      })),
    );
  }
  const { default: answerTo, price = free } = parsed.data;
  return {
    price,
    answerCount: undefined,
    async answer(request) {
      const answer = await answerTo(request);
      if (answer === undefined) return undefined;
      const checked = answerSchema.safeParse(answer);
      if (checked.success) return checked.data;
      const problems = checked.error.issues.map(({ path, message }) =>
        [...path, message].join(': '),
      );
      throw new AppError(
        'SCRIPT_MISMATCH',
        `${file}: the answer of turn ${request.turn} does not fit: ${problems.join('; ')}`,
      );
    },
  };
}

function invalid(problems: readonly Problem[]): AppError {
  const text = problems.map(({ path, message }) => `${path}: ${message}`).join('\n');
  return new AppError('SCRIPT_INVALID', text, { problems });
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
