/** A YAML file held to a schema: `${VAR}` filled in, and every problem told with file, line and key, all at once. */
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';
import { AppError } from '../contracts/errors.ts';
import type { Problem } from '../contracts/errors.ts';
import { suggestWord } from './closest-word.ts';

/** A file to be read: its path for messages, its text, and the variables it may name. */
export interface YamlSource {
  readonly path: string;
  readonly text: string;
  readonly variables: NodeJS.ProcessEnv;
}

/**
 * Parses a YAML text by a schema. An empty text is an empty mapping.
 * @throws FILE_INVALID naming file, line and key of every problem
 */
export function parseYamlFile<T extends z.ZodType>(source: YamlSource, schema: T): z.output<T> {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines });
  const place = (offset: number): string => `${source.path}:${lines.linePos(offset).line}`;
  failOn(
    source,
    document.errors.map((error) => ({
      path: place(error.pos[0]),
      message: firstLine(error.message),
    })),
  );
  const unset: Problem[] = [];
  const value = fillIn(document.toJS() ?? {}, source.variables, (path, message) => {
    unset.push({ path: place(offsetOf(document, path)), message: `${path.join('.')}: ${message}` });
  });
  failOn(source, unset);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) =>
    problemsOf(issue, { document, schema, place }),
  );
  throw invalid(source, problems);
}

function failOn(source: YamlSource, problems: readonly Problem[]): void {
  if (problems.length > 0) throw invalid(source, problems);
}

function invalid(source: YamlSource, problems: readonly Problem[]): AppError {
  return new AppError('FILE_INVALID', `${source.path} is not a valid configuration.`, { problems });
}

interface Placing {
  readonly document: Document;
  readonly schema: z.ZodType;
  readonly place: (offset: number) => string;
}

function problemsOf(issue: z.core.$ZodIssue, { document, schema, place }: Placing): Problem[] {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') {
    return [
      { path: place(offsetOf(document, path)), message: `${path.join('.')}: ${issue.message}` },
    ];
  }
  return issue.keys.map((key) => ({
    path: place(offsetOf(document, [...path, key])),
    message: `unknown key "${[...path, key].join('.')}"${suggestWord(key, keysAt(schema, path))}`,
  }));
}

/** The keys that the schema has at a path. */
function keysAt(schema: z.ZodType, path: readonly string[]): string[] {
  let current: unknown = schema;
  for (const key of path) current = childOf(unwrap(current), key);
  const found = unwrap(current);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodPipe) return unwrap(schema.in);
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? unwrap(schema.unwrap())
    : schema;
}

function childOf(schema: unknown, key: string): unknown {
  if (schema instanceof z.ZodRecord) return schema.valueType;
  if (schema instanceof z.ZodArray) return schema.element;
  if (!(schema instanceof z.ZodObject)) return undefined;
  const shape: Record<string, unknown> = schema.shape;
  return shape[key];
}

/** Where a key stands; where it is missing, its nearest parent. */
function offsetOf(document: Document, path: readonly string[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key,
      );
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else {
      node = isSeq(node) ? node.items[Number(key)] : undefined;
      offset = startOf(node) ?? offset;
    }
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}

type Report = (path: readonly string[], message: string) => void;

/** Replaces `${VAR}` and `${VAR:-default}` in every string; `$${` stands for a literal `${`. */
function fillIn(
  value: unknown,
  variables: NodeJS.ProcessEnv,
  report: Report,
  path: readonly string[] = [],
): unknown {
  if (typeof value === 'string')
    return fillInText(value, variables, (message) => report(path, message));
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) =>
      fillIn(item, variables, report, [...path, String(index)]),
    );
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      fillIn(item, variables, report, [...path, key]),
    ]),
  );
}

function fillInText(
  text: string,
  variables: NodeJS.ProcessEnv,
  report: (message: string) => void,
): string {
  return text.replace(
    /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
    (whole: string, name: string | undefined, otherwise: string | undefined) => {
      if (name === undefined) return '${';
      const value = variables[name];
      if (value !== undefined && (value !== '' || otherwise === undefined)) return value;
      if (otherwise !== undefined) return otherwise;
      report(`the variable ${name} is not set; write \${${name}:-default} to do without`);
      return whole;
    },
  );
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? text;
}
