/** What Java's compiler, Maven and Gradle write, and stacks of exceptions. */
import type { Finding } from '../../../contracts/step.schema.ts';
import type { Places } from '../output-places.ts';
import { blocks, perLine, toFinding, type Parser } from './parser.ts';

/** The compiler: `src/A.java:5: error: …`, with a code in brackets where it is a warning. */
export const readJavac: Parser = perLine(
  /^(\S+\.(?:java|kt|scala)):(\d+): (error|warning): (?:\[([\w-]+)\] )?(.+)$/,
  ([, path = '', line, severity, code, message], places) => {
    const file = places.inTree(path);
    if (file === undefined) return undefined;
    return { tool: 'javac', file, line, severity, code, message };
  },
);

/** Maven's compiler: `[ERROR] /src/A.java:[5,17] …`. */
export const readMaven: Parser = perLine(
  /^\[(ERROR|WARNING)\] (\S+\.(?:java|kt)):\[(\d+),(\d+)\] (?:error: )?(.+)$/,
  ([, severity, path = '', line, column, message], places) => {
    const file = places.inTree(path);
    if (file === undefined) return undefined;
    return { tool: 'maven', file, line, column, severity, message };
  },
);

/** `adds(small.CalcTest)` up to Surefire 2, `small.CalcTest.adds` from 3 on. */
const surefireHead =
  /^(?!(?:\[ERROR\] )?Tests run:)(?:\[ERROR\] )?(\S.*?) Time elapsed: [^<]*<<< [A-Z]+!/;
/** Nested classes stand between: `small.CalcTest > adds FAILED`. */
const gradleHead = /^([\w.$]+) > (.+) FAILED$/;

/** A test that failed, and what is written below it. */
interface FailedTest {
  readonly tool: string;
  readonly test: string;
  /** With its package, where that is told. */
  readonly className: string;
  readonly body: readonly string[];
}

/** Surefire: a head for each test, its exception and its stack; where that is left out, the summary. */
export const readSurefire: Parser = (lines, places) => {
  const found = blocks(lines, /^(\[\w+\] |\S.* Time elapsed: )/).flatMap((block) => {
    const named = surefireHead
      .exec(block[0] ?? '')?.[1]
      ?.replace(/ --$/, '')
      .trimEnd();
    if (named === undefined) return [];
    const body = block.slice(1);
    const [, older, olderClass] = /^(.+)\(([\w.$]+)\)$/.exec(named) ?? [];
    const [, newerClass, newer = named] = /^([\w.$]+)\.([^.]+)$/.exec(named) ?? [];
    const className = olderClass ?? newerClass ?? '';
    return [ofFailedTest({ tool: 'surefire', test: older ?? newer, className, body }, places)];
  });
  return found.length > 0 ? found : readSurefireSummary(lines, places);
};

/** `[ERROR]   ATest.adds:12 expected: <3> but was: <4>`. */
const readSurefireSummary: Parser = perLine(
  /^\[ERROR\]\s+([A-Z]\w*)\.(\w+):(?:\d+->(?:\w+:)?)*(\d+)(?: » | |$)(.*)$/,
  ([, className = '', test = '', line, message], places) => {
    const file = fileOf(className, places);
    return { tool: 'surefire', file, line, message: `${test}: ${message || 'failed'}` };
  },
);

/** Gradle: a head for each test and its exception, at its place or with its stack. */
export const readGradle: Parser = (lines, places) =>
  blocks(lines, /^\S/).flatMap((block) => {
    const [, className = '', test = ''] = gradleHead.exec(block[0] ?? '') ?? [];
    if (className === '') return [];
    return [ofFailedTest({ tool: 'gradle', test, className, body: block.slice(1) }, places)];
  });

function ofFailedTest({ tool, test, className, body }: FailedTest, places: Places): Finding {
  const frames = body.findIndex((line) => /^\s+at /.test(line));
  const said = (frames === -1 ? body : body.slice(0, frames)).map((line) => line.trim());
  const text = said.filter((line) => line !== '').join(' ');
  const [, thrown = '', nearName, nearLine, words = ''] =
    /^([\w.$]+)(?: at (\w+\.\w+):(\d+))?(?::\s*(.*))?$/.exec(text) ?? [];
  const near =
    nearName === undefined ? undefined : fileOf(className, places, nearName.split('.').at(-1));
  const place = near === undefined ? firstFrame(body, places) : { file: near, line: nearLine };
  const code = thrown.split('.').at(-1);
  const message = `${test}: ${words || code || text}`;
  return toFinding({ tool, ...(place ?? { file: fileOf(className, places) }), code, message });
}

/** The first frame of a stack that is in the tree. */
function firstFrame(
  lines: readonly string[],
  places: Places,
): { readonly file: string; readonly line: string | undefined } | undefined {
  for (const text of lines) {
    const [, method = '', name = '', line] =
      /^\s+at (?:\S+\/)?([\w.$<>]+)\(([A-Z]\w*\.(?:java|kt|scala)):(\d+)\)$/.exec(text) ?? [];
    const file = name === '' ? undefined : findSource(method.split('.').slice(0, -2), name, places);
    if (file !== undefined) return { file, line };
  }
  return undefined;
}

/** The source of a class; its bare name when no file of the tree is it. */
function fileOf(className: string, places: Places, suffix = 'java'): string {
  const parts = className.replace(/\$.*$/, '').split('.');
  const name = `${parts.at(-1) ?? ''}.${suffix}`;
  return findSource(parts.slice(0, -1), name, places) ?? name;
}

/** By its package; languages that need no folders for one are found by the name alone. */
function findSource(packages: readonly string[], name: string, places: Places): string | undefined {
  return places.endingIn([...packages, name].join('/')) ?? places.endingIn(name);
}

/** An exception that ended a program: its first frame in the tree. Those of tests are told apart by their heads. */
export const readJavaStacks: Parser = (lines, places) => {
  if (lines.some((line) => surefireHead.test(line) || gradleHead.test(line))) return [];
  const findings: Finding[] = [];
  let said: string | undefined;
  for (const text of lines) {
    said = thrownBy(text) ?? said;
    const place = said === undefined ? undefined : firstFrame([text], places);
    if (said === undefined || place === undefined) continue;
    const code = /^[\w.$]+/.exec(said)?.[0].split('.').at(-1);
    findings.push(toFinding({ tool: 'java', ...place, code, message: said }));
    said = undefined;
  }
  return findings;
};

/** The exception that a line names, with its message. */
function thrownBy(text: string): string | undefined {
  const named = /^(?:Exception in thread "[^"]+" |\s{4})?([\w$]+(?:\.[\w$]+)+(?:: .*)?)$/.exec(
    text,
  )?.[1];
  return named !== undefined && /(Error|Exception|Failed|Failure)\b/.test(named)
    ? named
    : undefined;
}
