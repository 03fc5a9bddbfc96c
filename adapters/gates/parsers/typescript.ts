/** What the TypeScript compiler writes, plain and pretty. */
import { perLine, type Parser } from './parser.ts';

/** `src/a.ts(3,5): error TS2322: …` and `src/a.ts:3:5 - error TS2322: …`. */
export const readTypeScript: Parser = perLine(
  /^(\S.*?)(?:\((\d+),(\d+)\):|:(\d+):(\d+) -) (error|warning) (TS\d+): (.+)$/,
  ([, path = '', line, column, prettyLine, prettyColumn, severity, code, message], places) => {
    const file = places.inTree(path);
    if (file === undefined) return undefined;
    const place = { line: line ?? prettyLine, column: column ?? prettyColumn };
    return { tool: 'typescript', file, ...place, severity, code, message };
  },
);
