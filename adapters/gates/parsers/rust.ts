/** What cargo writes: the compiler and clippy, tests that panicked, the formatter. */
import type { Finding } from '../../../contracts/step.schema.ts';
import { perLine, toFinding, type Parser } from './parser.ts';

/** `error[E0308]: mismatched types`, then ` --> src/lib.rs:3:5`. */
export const readRustc: Parser = (lines, places) => {
  const findings: Finding[] = [];
  let head: RegExpExecArray | null = null;
  for (const text of lines) {
    const next = /^(error|warning)(?:\[([\w:]+)\])?: (.+)$/.exec(text);
    if (next !== null) head = next;
    const place = /^\s*--> (\S+?):(\d+):(\d+)$/.exec(text);
    const file = place?.[1] === undefined ? undefined : places.inTree(place[1]);
    if (head === null || file === undefined) continue;
    const [, severity, code, message] = head;
    const [, , line, column] = place ?? [];
    findings.push(toFinding({ tool: 'rustc', file, line, column, severity, code, message }));
    // Further places of the same finding explain it.
    head = null;
  }
  return findings;
};

/** `thread 'tests::x' panicked at src/lib.rs:10:9:` and the message on the next lines. */
export const readRustPanics: Parser = (lines, places) =>
  lines.flatMap((text, index) => {
    const match = /^thread '(.+?)'(?: \(\d+\))? panicked at (\S+?):(\d+):(\d+):?$/.exec(text);
    const file = match?.[2] === undefined ? undefined : places.inTree(match[2]);
    if (file === undefined) return [];
    const [, test, , line, column] = match ?? [];
    const after = lines.slice(index + 1, index + 4);
    const end = after.findIndex((said) => /^($|note: |stack backtrace:)/.test(said));
    const said = (end === -1 ? after : after.slice(0, end)).map((part) => part.trim()).join('; ');
    const message = `${test ?? ''}: ${said}`;
    return [toFinding({ tool: 'cargo test', file, line, column, code: 'panic', message })];
  });

/** `Diff in /src/src/lib.rs:3:`, in older versions `at line 3:`. */
export const readRustfmt: Parser = perLine(
  /^Diff in (\S+?)(?:(?: at line |:)(\d+))?:?$/,
  ([, path = '', line], places) => {
    const file = places.inTree(path);
    if (file === undefined) return undefined;
    return { tool: 'rustfmt', file, line, code: 'format', message: 'not formatted' };
  },
);
