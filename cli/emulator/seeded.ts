/** What the emulator makes up: ids and answers. Both follow from the seed, so a run can be repeated to the letter. */
import { createHash } from 'node:crypto';
import type { Reply } from './wire-format.ts';

const words =
  'the a small change keeps every test green while reader and writer agree on what was said before it moves on to next file'.split(
    ' ',
  );

/** 64 letters and digits that follow from the seed and the parts. */
export function seededText(seed: number, ...parts: readonly (string | number)[]): string {
  return createHash('sha256')
    .update(JSON.stringify([seed, ...parts]))
    .digest('hex');
}

/** An answer of 8 to 31 words; the same request gets the same one. */
export function inventAnswer(
  seed: number,
  ...request: readonly (string | number)[]
): Reply['answer'] {
  const bytes = createHash('sha256')
    .update(JSON.stringify([seed, ...request]))
    .digest();
  const count = 8 + ((bytes[0] ?? 0) % 24);
  const picked = [...bytes.subarray(1, count + 1)].map((byte) => words[byte % words.length] ?? '');
  return { text: `${picked.join(' ')}.`, toolCalls: [] };
}
