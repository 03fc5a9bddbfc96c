/** What ESLint writes: stylish (its default), JSON and unix. */
import type { Finding } from '../../../contracts/step.schema.ts';
import type { Places } from '../output-places.ts';
import { perLine, toFinding, type Parser } from './parser.ts';

const stylishLine = /^\s+(\d+):(\d+)\s+(error|warning)\s+(.*?)(?:\s{2,}(\S+))?$/;

/** A path on a line of its own, then its findings, indented. */
export const readEslintStylish: Parser = (lines, places) => {
  const findings: Finding[] = [];
  let file: string | undefined;
  for (const text of lines) {
    const match = stylishLine.exec(text);
    if (match !== null && file !== undefined) {
      const [, line, column, severity, message, code] = match;
      findings.push(toFinding({ tool: 'eslint', file, line, column, severity, code, message }));
    } else file = /^\S.*\.\w+$/.test(text) ? places.inTree(text) : undefined;
  }
  return findings;
};

/** `src/a.js:3:5: 'x' is not defined. [Error/no-undef]`. */
export const readEslintUnix: Parser = perLine(
  /^(\S.*?):(\d+):(\d+): (.+) \[(Error|Warning)(?:\/(.+))?\]$/,
  ([, path = '', line, column, message, severity, code], places) => {
    const file = places.inTree(path);
    if (file === undefined) return undefined;
    return { tool: 'eslint', file, line, column, severity, code, message };
  },
);

/** One line of JSON: a list of files, each with its messages. */
export const readEslintJson: Parser = (lines, places) => {
  const line = lines.find((text) => text.startsWith('[{"filePath"'));
  if (line === undefined) return [];
  try {
    const files: unknown = JSON.parse(line);
    return Array.isArray(files) ? files.flatMap((file) => ofFile(file, places)) : [];
  } catch {
    // Cut, or something else that begins like it.
    return [];
  }
};

function ofFile(entry: unknown, places: Places): Finding[] {
  const { filePath, messages } = fieldsOf(entry);
  const file = typeof filePath === 'string' ? places.inTree(filePath) : undefined;
  if (file === undefined || !Array.isArray(messages)) return [];
  return messages.map((one: unknown) => {
    const { line, column, severity, ruleId, message } = fieldsOf(one);
    return toFinding({
      tool: 'eslint',
      file,
      line: numberText(line),
      column: numberText(column),
      severity: severity === 1 ? 'warning' : 'error',
      code: typeof ruleId === 'string' ? ruleId : undefined,
      message: typeof message === 'string' ? message : undefined,
    });
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function numberText(value: unknown): string | undefined {
  return Number.isSafeInteger(value) ? String(value) : undefined;
}
