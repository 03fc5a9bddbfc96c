/** What a failure consists of, small enough for workflow state. */
import { createHash } from 'node:crypto';
import type { Finding } from '../contracts/step.schema.ts';

/** Enough to compare two failures; 40 of them are 320 bytes. */
const maxTraits = 40;

/**
 * Short hashes of the findings or, where none could be read, of the lines of the output. What differs from run to run does
 * not count: numbers, times, and the line that a finding is at, as an edit above it moves it.
 */
export function traitsOf(findings: readonly Finding[], output: string): string[] {
  const parts =
    findings.length === 0
      ? output.split('\n').map(withoutNumbers)
      : findings.map(
          ({ file = '', code = '', message }) => `${file} ${code} ${withoutNumbers(message)}`,
        );
  const hashes = parts
    .filter((part) => part !== '')
    .map((part) => createHash('sha256').update(part).digest('hex').slice(0, 8));
  return [...new Set(hashes)].sort().slice(0, maxTraits);
}

function withoutNumbers(text: string): string {
  return text.replace(/0x[0-9a-f]+|\d+/gi, '#').trim();
}
