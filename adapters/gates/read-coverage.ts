/** Reads how much of the code tests ran, from the tables that coverage tools print. */
import type { Coverage } from '../ports.ts';
import { plainLines } from './read-findings.ts';

/** A line of sums, and what its numbers are of. */
const tables: readonly (readonly [RegExp, ...(keyof Coverage)[]])[] = [
  // Istanbul (Jest, nyc, c8, Vitest): `All files | 92.3 | 80 | 75 | 91.2 |`.
  [
    /^\s*All files\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|/,
    ...(['statements', 'branches', 'functions', 'lines'] as const),
  ],
  // node:test: `# all files | 93.33 | 100.00 | 66.67 |`.
  [
    /^\s*(?:#|ℹ)\s*all files\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|\s*([\d.]+)\s*\|/,
    ...(['lines', 'branches', 'functions'] as const),
  ],
  // coverage.py: `TOTAL  120  12  90%`; with branches one number is of both.
  [/^TOTAL\s.*?([\d.]+)%/, 'statements'],
  // go tool cover: `total:  (statements)  81.5%`.
  [/^total:\s+\(statements\)\s+([\d.]+)%/, 'statements'],
];

/** The shares in percent; of several packages of Go the lowest. */
export function readCoverage(text: string): Coverage {
  const lines = plainLines(text);
  for (const [pattern, ...kinds] of tables) {
    const sums = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
    const shares = kinds.map((kind, place) => [kind, Number(sums?.[place + 1])] as const);
    const known = shares.filter(([, percent]) => Number.isFinite(percent));
    if (known.length > 0) return Object.fromEntries(known);
  }
  const packages = lines.flatMap((line) => {
    const percent = /\bcoverage: ([\d.]+)% of statements/.exec(line)?.[1];
    return percent === undefined ? [] : [Number(percent)];
  });
  return packages.length === 0 ? {} : { statements: Math.min(...packages) };
}
