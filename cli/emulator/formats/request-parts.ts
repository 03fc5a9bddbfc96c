/** What the formats share in reading requests. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { BadRequest } from '../wire-format.ts';

/** Reads a body by a schema; of what a client sends, only what the emulator looks at is held to it. @throws BadRequest */
export function readBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BadRequest(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** The token of `Authorization: Bearer`. */
export function findBearer({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
}

/** One value of a header. */
export function findHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Keys under which messages of all vendors hold texts, at whatever depth. */
const textKeys = ['text', 'content', 'output', 'parts', 'functionResponse'];

/** All texts of a message, in their order. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return value
      .map(textOf)
      .filter((text) => text !== '')
      .join('\n');
  if (typeof value !== 'object' || value === null) return '';
  // A function's result at Gemini has any form.
  if ('response' in value) return JSON.stringify(value.response);
  const parts = textKeys.map((key) => textOf((value as Record<string, unknown>)[key]));
  return parts.filter((text) => text !== '').join('\n');
}

/** Length of what the model reads, as JSON. */
export function lengthOf(...parts: readonly unknown[]): number {
  return parts.reduce<number>(
    (sum, part) => sum + (part === undefined ? 0 : JSON.stringify(part).length),
    0,
  );
}

/** The mark by which a vendor knows its own reasoning again when it is sent back. */
export function signatureOf(text: string): string {
  return createHash('sha256').update(`reasoning of the emulator: ${text}`).digest('base64');
}
