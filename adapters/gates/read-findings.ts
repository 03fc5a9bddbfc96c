/** From what a check wrote to findings: every reader looks at all of it, as one check may run several tools. */
import type { Finding } from '../../contracts/step.schema.ts';
import type { GateOutput } from '../ports.ts';
import { createPlaces } from './output-places.ts';
import { readAnyTool } from './parsers/any-tool.ts';
import { readEslintJson, readEslintStylish, readEslintUnix } from './parsers/eslint.ts';
import { readGoTest, readGoTool } from './parsers/go.ts';
import { readGradle, readJavac, readJavaStacks, readMaven, readSurefire } from './parsers/java.ts';
import { readJest, readSpec, readTap, readVitest } from './parsers/javascript-tests.ts';
import { readNodeErrors } from './parsers/node.ts';
import type { Parser } from './parsers/parser.ts';
import { readPytest, readTracebacks, readUnittest } from './parsers/python.ts';
import { readRustc, readRustfmt, readRustPanics } from './parsers/rust.ts';
import { readTypeScript } from './parsers/typescript.ts';

const parsers: readonly Parser[] = [
  readTypeScript,
  ...[readEslintStylish, readEslintUnix, readEslintJson],
  ...[readJest, readVitest, readTap, readSpec, readNodeErrors],
  ...[readGoTool, readGoTest],
  ...[readPytest, readUnittest, readTracebacks],
  ...[readRustc, readRustPanics, readRustfmt],
  ...[readJavac, readMaven, readSurefire, readGradle, readJavaStacks],
];

/** Far more than anybody reads; a bound on what a hostile output can make of itself. */
const maxFindings = 1_000;
/** Longer lines are no line of a report, but for ESLint's JSON. */
const maxLine = 2_000;

/** Reads the findings of an output; each place is in it once. */
export function readFindings({ gate, text, paths }: GateOutput): readonly Finding[] {
  const places = createPlaces(paths);
  const lines = plainLines(text);
  const known = distinct(parsers.flatMap((parse) => parse(lines, places)));
  return known.length > 0 ? known : distinct(readAnyTool(gate)(lines, places));
}

/** The lines of a report, without colours and carriage returns. */
export function plainLines(text: string): string[] {
  return text
    .replace(/\u001b(?:\[[0-9;?]*[A-Za-z]|\(B)/g, '')
    .split('\n')
    .filter((line) => line.length <= maxLine || line.startsWith('[{"filePath"'))
    .map((line) => line.replace(/\r+$/, ''));
}

/** Each finding once, though summaries repeat what was said before. */
function distinct(findings: readonly Finding[]): Finding[] {
  const known = new Set<string>();
  const kept: Finding[] = [];
  for (const finding of findings) {
    const { file, line, column, message } = finding;
    const key = JSON.stringify([file, line, column, message]);
    if (known.has(key)) continue;
    known.add(key);
    kept.push(finding);
    if (kept.length === maxFindings) break;
  }
  return kept;
}
