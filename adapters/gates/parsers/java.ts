/** What Java's compiler, Maven and Gradle write, and stacks of exceptions. */
import type { Finding } from '../../../contracts/step.schema.ts';
import { perLine, toFinding, type Parser } from './parser.ts';

/** The compiler: `src/A.java:5: error: …`, with a code in brackets where it is a warning. */
export const readJavac: Parser = perLine(
  /^(\S+\.(?:java|kt|scala)):(\d+): (error|warning): (?:\[([\w-]+)\] )?(.+)$/,
  ([, path = '', line, severity, code, message], places) => {
    const file = places.inTree(path);
    if (file === undefined) return undefined;
    return { tool: 'javac', file, line, severity, code, message };
  },
);

/** Maven's compiler: `[ERROR] /work/src/A.java:[5,17] …`. */
export const readMaven: Parser = perLine(
  /^\[(ERROR|WARNING)\] (\S+\.(?:java|kt)):\[(\d+),(\d+)\] (?:error: )?(.+)$/,
  ([, severity, path = '', line, column, message], places) => {
    const file = places.inTree(path);
    if (file === undefined) return undefined;
    return { tool: 'maven', file, line, column, severity, message };
  },
);

/** Surefire's summary: `[ERROR]   ATest.adds:12 expected: <3> but was: <4>`. */
export const readSurefire: Parser = perLine(
  /^\[ERROR\]\s+([A-Z]\w*)\.(\w+):(?:\d+->(?:\w+:)?)*(\d+) (.+)$/,
  ([, className = '', test, line, message], places) => {
    const file = places.endingIn(`${className}.java`) ?? `${className}.java`;
    return { tool: 'surefire', file, line, message: `${test ?? ''}: ${message ?? ''}` };
  },
);

/** An exception that ended a program, or a test of Gradle: its first frame in the tree. */
export const readJavaStacks: Parser = (lines, places) => {
  const findings: Finding[] = [];
  let said: string | undefined;
  for (const text of lines) {
    said = thrownBy(text) ?? said;
    const [, method = '', name, line] =
      /^\s+at ([\w.$/]+)\(([A-Z]\w*\.java):(\d+)\)$/.exec(text) ?? [];
    if (name === undefined || said === undefined) continue;
    const file = places.endingIn(name, method.split('.').slice(0, -2).join('/'));
    if (file === undefined) continue;
    const code = /^[\w.$]+/.exec(said)?.[0].split('.').at(-1);
    findings.push(toFinding({ tool: 'java', file, line, code, message: said }));
    said = undefined;
  }
  return findings;
};

/** The exception that a line names, with its message. */
function thrownBy(text: string): string | undefined {
  const named = /^(?:Exception in thread "[^"]+" |\s{4})?([\w$]+(?:\.[\w$]+)+(?:: .*)?)$/.exec(
    text,
  )?.[1];
  return named !== undefined && /(Error|Exception|Failed)\b/.test(named) ? named : undefined;
}
