/** What Python's test runners write, and its tracebacks. */
import type { Finding } from '../../../contracts/step.schema.ts';
import type { Places } from '../output-places.ts';
import { blocks, toFinding, type Parser } from './parser.ts';

const frameLine = /^\s*File "([^"]+)", line (\d+)(?:, in (\S+))?/;
const errorLine = /^([A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Failure)): ?(.*)$/;

/** `FAIL: test_x (tests.test_a.T.test_x)` and its traceback. */
export const readUnittest: Parser = (lines, places) =>
  blocks(lines, /^={20,}$/).flatMap((block) => {
    const name = /^(?:FAIL|ERROR): (.+)$/.exec(block[1] ?? '')?.[1];
    const found = name === undefined ? undefined : readTraceback(block, places);
    if (found === undefined) return [];
    return [toFinding({ ...found, tool: 'unittest', message: `${name ?? ''}: ${found.message}` })];
  });

/** A traceback of any other program: its last frame in the tree. */
export const readTracebacks: Parser = (lines, places) => {
  // unittest's own are told apart by the rulers between them.
  if (lines.some((line) => /^={20,}$/.test(line))) return [];
  return blocks(
    lines,
    /^(?:Traceback \(most recent call last\):| {2}File "[^"]+", line \d+$)/,
  ).flatMap((block) => {
    const found = readTraceback(block, places);
    return found === undefined ? [] : [toFinding({ ...found, tool: 'python' })];
  });
};

function readTraceback(
  lines: readonly string[],
  places: Places,
):
  | { file: string; line: string | undefined; code: string | undefined; message: string }
  | undefined {
  let place: { readonly file: string; readonly line: string | undefined } | undefined;
  let found: ReturnType<typeof readTraceback>;
  for (const text of lines) {
    const frame = frameLine.exec(text);
    const file = frame?.[1] === undefined ? undefined : places.inTree(frame[1]);
    if (file !== undefined) place = { file, line: frame?.[2] };
    const error = errorLine.exec(text);
    if (error === null || place === undefined) continue;
    // Of one exception behind another the last is what ended it.
    found = { ...place, code: error[1], message: `${error[1] ?? ''}: ${error[2] ?? ''}` };
  }
  return found;
}

/** pytest: `____ test_x ____`, lines `E  …`, and `tests/test_a.py:5: AssertionError`. */
export const readPytest: Parser = (lines, places) => {
  const findings: Finding[] = [];
  for (const block of blocks(lines, /^(_{3,} .+ _{3,}|={3,} .+ ={3,})$/)) {
    const name = /^_{3,} (.+?) _{3,}$/.exec(block[0] ?? '')?.[1];
    if (name === undefined) continue;
    const words = block.filter((line) => /^E\s/.test(line)).map((line) => line.slice(1).trim());
    // Of one exception behind another the last; of a file that is no Python its error stands below its place.
    const said = words.findLast((line) => errorLine.test(line)) ?? words[0];
    const place = lastPlace(block, places);
    if (said === undefined || place === undefined) continue;
    findings.push(toFinding({ tool: 'pytest', ...place, message: `${name}: ${said}` }));
  }
  return findings.length > 0 ? findings : readPytestSummary(lines, places);
};

/** The last line `path:5: Error`, which is where the test failed; with `--tb=short` it is `path:5: in test_x`. */
function lastPlace(
  block: readonly string[],
  places: Places,
): { file: string; line: string | undefined; code: string | undefined } | undefined {
  for (const line of block.toReversed()) {
    const match = /^(\S+\.py):(\d+): (?:in \S+|([\w.]+))?/.exec(line);
    const file = match?.[1] === undefined ? undefined : places.inTree(match[1]);
    if (file !== undefined) return { file, line: match?.[2], code: match?.[3] };
    const frame = frameLine.exec(line.replace(/^E\s+/, ''));
    const ofFrame = frame?.[1] === undefined ? undefined : places.inTree(frame[1]);
    if (ofFrame !== undefined) return { file: ofFrame, line: frame?.[2], code: undefined };
  }
  return undefined;
}

/** `FAILED tests/test_a.py::test_x - AssertionError: …`, all that there is with `--tb=no`. */
function readPytestSummary(lines: readonly string[], places: Places): Finding[] {
  return lines.flatMap((line) => {
    const match = /^(?:FAILED|ERROR) (\S+\.py)(?:::(\S+))?(?: - (.+))?$/.exec(line);
    const file = match?.[1] === undefined ? undefined : places.inTree(match[1]);
    if (file === undefined) return [];
    const message = [match?.[2], match?.[3]].filter((part) => part !== undefined).join(': ');
    return [toFinding({ tool: 'pytest', file, message })];
  });
}
