/** What Node.js writes of a program that it cannot read or that ended with an error: the place, the code, the error. */
import type { Finding } from '../../../contracts/step.schema.ts';
import { toFinding, type Parser } from './parser.ts';

/** Lines between the place and the error: the code, a caret, a blank line. */
const maxBetween = 5;

/** `/src/a.js:3`, then within a few lines `SyntaxError: Unexpected token ')'`. */
export const readNodeErrors: Parser = (lines, places) => {
  const findings: Finding[] = [];
  lines.forEach((text, index) => {
    const place = /^(\S+\.[cm]?[jt]sx?):(\d+)$/.exec(text);
    const file = place?.[1] === undefined ? undefined : places.inTree(place[1]);
    if (file === undefined) return;
    const said = lines
      .slice(index + 1, index + 1 + maxBetween)
      .find((line) => /^(?:Uncaught )?\w*Error\b.*:/.test(line));
    if (said === undefined) return;
    const code = /^\w+/.exec(said)?.[0];
    findings.push(toFinding({ tool: 'node', file, line: place?.[2], code, message: said }));
  });
  return findings;
};
