/** What the test runners of JavaScript write: Jest, Vitest, and node:test in its two forms. */
import type { Finding } from '../../../contracts/step.schema.ts';
import type { Places } from '../output-places.ts';
import { blocks, toFinding, type Parser } from './parser.ts';

interface Place {
  readonly file: string;
  readonly line: string | undefined;
  readonly column: string | undefined;
}

/** `path:line:column` at the end of a line, in brackets or not; undefined when it is not in the tree. */
function placeAtEnd(text: string, places: Places): Place | undefined {
  const match = /(?:^|[\s('"@])((?:file:\/\/)?[^\s()'"]+\.\w+):(\d+):(\d+)\)?['"]?,?$/.exec(text);
  const file = match?.[1] === undefined ? undefined : places.inTree(match[1]);
  return file === undefined ? undefined : { file, line: match?.[2], column: match?.[3] };
}

/** The first of the lines that names a place of the tree. */
function firstPlace(lines: readonly string[], places: Places): Place | undefined {
  for (const line of lines) {
    const place = placeAtEnd(line.trimEnd(), places);
    if (place !== undefined) return place;
  }
  return undefined;
}

const syntaxLine = /^\s+SyntaxError: (\S+): .+ \((\d+):(\d+)\)$/;

/** `● suite › test`, the error, and its stack; of a file that could not be loaded, the file. */
export const readJest: Parser = (lines, places) => {
  const findings: Finding[] = [];
  let failing: string | undefined;
  for (const block of blocks(lines, /^(\s{2}● \S|FAIL \S)/)) {
    const [head = '', ...rest] = block;
    const ofFile = /^FAIL (\S+)/.exec(head)?.[1];
    if (ofFile !== undefined) {
      failing = places.inTree(ofFile);
      continue;
    }
    const name = head.replace(/^\s*● /, '').trim();
    if (name === 'Console') continue;
    const body = rest.filter((line) => line.trim() !== '');
    const place = unparsedPlace(body, places) ??
      firstPlace(body, places) ?? { file: failing, line: undefined, column: undefined };
    if (place.file === undefined) continue;
    findings.push(toFinding({ tool: 'jest', ...place, message: `${name}: ${saidBy(body)}` }));
  }
  return findings;
};

/** A file that is no JavaScript: `SyntaxError: /src/a.test.js: Unexpected token (1:10)`. */
function unparsedPlace(body: readonly string[], places: Places): Place | undefined {
  const error = body.map((line) => syntaxLine.exec(line)).find((match) => match !== null);
  const file = error?.[1] === undefined ? undefined : places.inTree(error[1]);
  return file === undefined ? undefined : { file, line: error?.[2], column: error?.[3] };
}

/** What Jest says first, and what it expected and got; of a file that is no JavaScript, why. */
function saidBy(body: readonly string[]): string {
  const syntax = body.find((line) => syntaxLine.test(line));
  if (syntax !== undefined) return syntax.trim().replace(/: \S+: /, ': ');
  const facts = body.filter((line) => /^\s+(Expected|Received)[^:]*:/.test(line));
  return [body[0] ?? '', ...facts.slice(0, 2)].map((line) => line.trim()).join('; ');
}

/** ` FAIL  src/a.test.ts > suite > test`, the error, and ` ❯ src/a.test.ts:5:17`. */
export const readVitest: Parser = (lines, places) =>
  blocks(lines, /^\s*(FAIL {2}\S|⎯{4,})/).flatMap((block) => {
    const [head = '', ...rest] = block;
    const match = /^\s*FAIL {2}(?:\|[^|]+\| )?(\S+)(?: > (.+)| \[ .+ \])?$/.exec(head);
    const ofFile = match?.[1] === undefined ? undefined : places.inTree(match[1]);
    if (ofFile === undefined) return [];
    const arrow = rest.filter((line) => /^\s*❯ /.test(line));
    const place = firstPlace(arrow, places) ?? { file: ofFile, line: undefined, column: undefined };
    const said = rest.find((line) => line.trim() !== '')?.trim() ?? 'failed';
    const name = match?.[2];
    const message = name === undefined ? said : `${name}: ${said}`;
    return [toFinding({ tool: 'vitest', ...place, message })];
  });

/** `not ok 1 - name` and its block of YAML. A test that failed only because of those in it says nothing new. */
export const readTap: Parser = (lines, places) =>
  blocks(lines, /^\s*(not )?ok \d+/).flatMap((block) => {
    const [head = '', ...rest] = block;
    const match = /^\s*not ok \d+(?: - (.*))?$/.exec(head);
    if (match === null || /# (TODO|SKIP)\b/i.test(head)) return [];
    const end = rest.findIndex((line) => line.trim() === '...');
    const yaml = end === -1 ? [] : rest.slice(0, end);
    const field = (name: string): string | undefined =>
      yaml
        .find((line) => line.trim().startsWith(`${name}: `))
        ?.trim()
        .slice(name.length + 2)
        .replace(/^'(.*)'$/, '$1');
    if (field('failureType') === 'subtestsFailed') return [];
    const stack = yaml.slice(yaml.findIndex((line) => /^\s*stack:/.test(line)) + 1);
    const hasStack = yaml.some((line) => /^\s*stack:/.test(line));
    const place =
      (hasStack ? firstPlace(stack, places) : undefined) ??
      firstPlace([field('location') ?? ''], places);
    const message = `${match[1] ?? 'test'}: ${tapError(yaml, field('error'))}`;
    return [toFinding({ tool: 'node:test', ...place, code: tapCode(field('code')), message })];
  });

/** The error of a TAP block: on its line, or on the next ones where it is longer. */
function tapError(yaml: readonly string[], error: string | undefined): string {
  if (error !== undefined && !error.startsWith('|-')) return error;
  const start = yaml.findIndex((line) => /^\s*error: \|-/.test(line));
  const body: string[] = [];
  for (const line of yaml.slice(start + 1)) {
    if (/^\s*\w+: /.test(line) && body.length > 0) break;
    if (line.trim() !== '') body.push(line.trim());
  }
  return start === -1 ? 'failed' : body.join(' ');
}

/** A plain failure of a test has no code that would tell it from others. */
function tapCode(code: string | undefined): string | undefined {
  return code === 'ERR_TEST_FAILURE' ? undefined : code;
}

/** The section `✖ failing tests:`: `test at a.test.js:3:1`, then `✖ name (1 ms)` and the error with its stack. */
export const readSpec: Parser = (lines, places) => {
  const start = lines.findIndex((line) => /^✖ failing tests:$/.test(line));
  if (start === -1) return [];
  return blocks(lines.slice(start), /^test at \S/).map((block) => {
    const [head = '', name = '', ...rest] = block;
    const place = firstPlace(rest, places) ?? firstPlace([head], places);
    const test = name.replace(/^\s*✖ /, '').replace(/ \([\d.]+m?s\)$/, '');
    const said = rest.find((line) => line.trim() !== '')?.trim() ?? 'failed';
    const code = /\[(ERR_\w+)\]/.exec(said)?.[1];
    return toFinding({ tool: 'node:test', ...place, code, message: `${test}: ${said}` });
  });
};
