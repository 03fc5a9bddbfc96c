/**
 * Files that list targets. The form is seen in the content: JSON objects, one a line; CSV with a heading that names a
 * column `repository`, `repo`, `path` or `url`; else a plain list with `#` comments.
 */
import { parse } from 'csv-parse/sync';
import { AppError } from '../../contracts/errors.ts';
import type { Problem } from '../../contracts/errors.ts';
import type { Target } from './target.ts';

/** A target as a file names it: the repository is still as it was written. */
export type WrittenTarget = Omit<Target, 'skip'> & { readonly skip?: 'optout' };

const repositoryColumns = ['repository', 'repo', 'path', 'url'];
/** Columns with a meaning of their own; every other is a variable. */
const knownColumns = ['baseSha', 'baseCommit', 'baseRef', 'prompt', 'skipped', 'reason'] as const;
type Row = Readonly<Record<string, string>>;

/**
 * Reads the targets of a file.
 * @throws FILE_INVALID naming the place of every problem
 */
export function parseTargetFile(name: string, content: string): WrittenTarget[] {
  const text = content.replace(/^\uFEFF/, '');
  const first =
    text.split(/\r?\n/).find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  if (first.trimStart().startsWith('{')) return parseJsonLines(name, text);
  return isHeading(name, first) ? parseTable(name, text) : parseList(name, text);
}

function isHeading(name: string, line: string): boolean {
  if (name.endsWith('.csv')) return true;
  const columns = line.split(',').map((column) => column.trim().replace(/^"(.*)"$/, '$1'));
  return columns.length > 1 && columns.some((column) => repositoryColumns.includes(column));
}

function parseList(name: string, text: string): WrittenTarget[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const repository = line.replace(/(^|\s)#.*$/, '').trim();
    return repository === '' ? [] : [{ repository, source: `${name}:${index + 1}` }];
  });
}

function parseTable(name: string, text: string): WrittenTarget[] {
  const rows = readRows(name, text);
  const columns = Object.keys(rows[0]?.record ?? {});
  const target = repositoryColumns.find((column) => columns.includes(column));
  if (target === undefined) {
    const message = `no column names the target; the heading needs one of ${repositoryColumns.join(', ')}`;
    throw invalid(name, [{ path: `${name}:1`, message }]);
  }
  const variables = columns.filter((column) => column !== target && !isKnown(column));
  assertVariableNames(name, variables);
  return rows
    .filter(({ record }) => record[target] !== '')
    .map(({ record, line }) => ({
      repository: record[target] ?? '',
      source: `${name}:${line}`,
      ...fieldsOf(record),
      ...(variables.length === 0 ? {} : { variables: pick(record, variables) }),
    }));
}

interface ReadRow {
  readonly record: Row;
  readonly line: number;
}

function readRows(name: string, text: string): ReadRow[] {
  try {
    const rows = parse(text, {
      columns: (heading: string[]) => heading.map((column) => column.trim()),
      comment: '#',
      comment_no_infix: true,
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { record: Row; info: { lines: number } }[];
    return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    const line = error instanceof Error && 'lines' in error ? `:${String(error.lines)}` : '';
    const message = error instanceof Error ? error.message : String(error);
    throw invalid(name, [{ path: `${name}${line}`, message }]);
  }
}

function isKnown(column: string): boolean {
  return (knownColumns as readonly string[]).includes(column);
}

function assertVariableNames(name: string, variables: readonly string[]): void {
  const problems = variables
    .filter((variable) => !/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/.test(variable))
    .map((variable) => ({
      path: `${name}:1`,
      message: `column "${variable}" is no variable name: letters, digits and _, at most 64`,
    }));
  if (problems.length > 0) throw invalid(name, problems);
}

function pick(record: Row, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, record[name] ?? '']));
}

/** The columns with a meaning. A lock may also list what would have been skipped; only opting out is kept. */
function fieldsOf(record: Row): Pick<WrittenTarget, 'prompt' | 'baseRef' | 'baseCommit' | 'skip'> {
  const given = (column: (typeof knownColumns)[number]): string | undefined =>
    record[column] === '' ? undefined : record[column];
  const baseCommit = given('baseSha') ?? given('baseCommit');
  const baseRef = given('baseRef');
  const prompt = given('prompt');
  return {
    ...(baseCommit === undefined ? {} : { baseCommit }),
    ...(baseRef === undefined ? {} : { baseRef }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(given('skipped') === 'true' && given('reason') === 'optout'
      ? { skip: 'optout' as const }
      : {}),
  };
}

function parseJsonLines(name: string, text: string): WrittenTarget[] {
  const problems: Problem[] = [];
  const targets = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const source = `${name}:${index + 1}`;
    const read = readJsonLine(line);
    if (typeof read !== 'string') return [{ ...read, source }];
    problems.push({ path: source, message: read });
    return [];
  });
  if (problems.length > 0) throw invalid(name, problems);
  return targets;
}

/** A target from a JSON object, or what is wrong with it. Its keys are the columns; `variables` may be an object. */
function readJsonLine(line: string): Omit<WrittenTarget, 'source'> | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'not JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'not a JSON object';
  const { variables: nested = {}, ...rest } = value as Record<string, unknown>;
  if (typeof nested !== 'object' || nested === null) return '"variables" is not an object';
  const repositoryKey = repositoryColumns.find((key) => key in rest);
  if (repositoryKey === undefined)
    return `none of the keys ${repositoryColumns.join(', ')} is there`;
  const record = toTexts({ ...rest, ...nested });
  if (record === undefined) return 'values are texts, numbers or booleans';
  const names = Object.keys(record).filter((key) => key !== repositoryKey && !isKnown(key));
  return {
    repository: record[repositoryKey] ?? '',
    ...fieldsOf(record),
    ...(names.length === 0 ? {} : { variables: pick(record, names) }),
  };
}

function toTexts(values: Readonly<Record<string, unknown>>): Record<string, string> | undefined {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
      return undefined;
    texts[key] = String(value);
  }
  return texts;
}

function invalid(name: string, problems: readonly Problem[]): AppError {
  return new AppError('FILE_INVALID', `${name} is no list of targets.`, { problems });
}
