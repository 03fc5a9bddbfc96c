/** Reads how much of the code tests ran, from the tables that coverage tools print. */
import { plainText } from './read-findings.ts';

const patterns: readonly RegExp[] = [
  // Istanbul (Jest, nyc, c8, Vitest): `All files | 92.3 | 80 | 75 | 91.2 |`; the last number is of lines.
  /^\s*All files\s*\|(?:\s*[\d.]+\s*\|){3}\s*([\d.]+)\s*\|/m,
  // node:test: `# all files | 93.33 | 100.00 | 66.67 |`, lines first.
  /^\s*(?:#|ℹ)\s*all files\s*\|\s*([\d.]+)\s*\|/m,
  // coverage.py: `TOTAL  120  12  90%`.
  /^TOTAL\s+.*?([\d.]+)%/m,
  // go tool cover: `total:  (statements)  81.5%`.
  /^total:\s+\(statements\)\s+([\d.]+)%/m,
];

/** The share in percent; of several packages of Go the lowest. */
export function readCoverage(text: string): number | undefined {
  const plain = plainText(text);
  for (const pattern of patterns) {
    const percent = Number(pattern.exec(plain)?.[1] ?? Number.NaN);
    if (Number.isFinite(percent)) return percent;
  }
  const packages = [...plain.matchAll(/\bcoverage: ([\d.]+)% of statements/g)].map((one) =>
    Number(one[1]),
  );
  return packages.length === 0 ? undefined : Math.min(...packages);
}
