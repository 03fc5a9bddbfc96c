/** What Go writes: compiler, vet and tests. */
import type { Finding } from '../../../contracts/step.schema.ts';
import type { Places } from '../output-places.ts';
import { perLine, toFinding, type Parser } from './parser.ts';

const testLine = /^\s+(\S+_test\.go):(\d+): (.*)$/;
const frameLine = /^\t(\S+\.go):(\d+)/;

/** Compiler and vet: `./a.go:5:2: undefined: x`, below `# package` or not. */
export const readGoTool: Parser = perLine(
  /^(?:vet: )?(\S+\.go):(\d+)(?::(\d+))?: (.+)$/,
  ([, path = '', line, column, message], places) => {
    const file = places.inTree(path);
    return file === undefined ? undefined : { tool: 'go', file, line, column, message };
  },
);

/** Tests: `--- FAIL: TestX`, then `    a_test.go:8: …`; the package comes after them, and its panics with it. */
export const readGoTest: Parser = (lines, places) => {
  const findings: Finding[] = [];
  let ofPackage: string[] = [];
  for (const line of lines) {
    const ended = /^(?:FAIL|ok)\s+(\S+)\s/.exec(line)?.[1];
    if (ended === undefined) {
      ofPackage.push(line);
      continue;
    }
    if (line.startsWith('FAIL'))
      findings.push(
        ...testsOf(ofPackage, { places, package: ended }),
        ...panicsOf(ofPackage, places),
      );
    ofPackage = [];
  }
  return findings;
};

function testsOf(
  lines: readonly string[],
  { places, package: near }: { readonly places: Places; readonly package: string },
): Finding[] {
  const findings: Finding[] = [];
  let test: string | undefined;
  for (const text of lines) {
    test = /^\s*--- (?:FAIL|PASS|SKIP): (\S+)/.exec(text)?.[1] ?? test;
    const match = testLine.exec(text);
    if (match?.[1] === undefined || test === undefined) continue;
    const file = places.endingIn(match[1], near) ?? match[1];
    findings.push(
      toFinding({ tool: 'go test', file, line: match[2], message: `${test}: ${match[3] ?? ''}` }),
    );
  }
  return findings;
}

/** A panic ends the package: its first frame in the tree is the place. */
function panicsOf(lines: readonly string[], places: Places): Finding[] {
  const start = lines.findIndex((line) => line.startsWith('panic: '));
  if (start === -1) return [];
  for (const text of lines.slice(start)) {
    const match = frameLine.exec(text);
    const file = match?.[1] === undefined ? undefined : places.inTree(match[1]);
    if (file === undefined) continue;
    const message = (lines[start] ?? '').replace(/ \[recovered.*\]$/, '');
    return [toFinding({ tool: 'go test', file, line: match?.[2], code: 'panic', message })];
  }
  return [];
}
