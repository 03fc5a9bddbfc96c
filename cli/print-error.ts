/** Errors as people see them: what was wrong, where, what to do. Never a stack, unless ado itself is at fault. */
import { codeOf, errorKinds } from '../contracts/errors.ts';
import type { ErrorCode, Problem } from '../contracts/errors.ts';
import { tame } from './terminal.ts';
import type { Paint } from './terminal.ts';

/** An error taken apart for printing and for the `result` line. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly problems: readonly Problem[];
  readonly requestId?: string | undefined;
}

/** Takes any error apart. One without a code is a defect of ado. */
export function reportError(error: unknown): ErrorReport {
  const code = codeOf(error) ?? 'INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  return {
    code,
    message,
    remedy: read(error, 'remedy') ?? errorKinds[code].remedy,
    problems: readProblems(error),
    requestId: read(error, 'requestId'),
  };
}

/** Writes an error as lines: message and code, each problem, the remedy; the request id with `verbose`. */
export function formatError(
  report: ErrorReport,
  options: { readonly paint: Paint; readonly verbose: boolean },
): string {
  const { paint } = options;
  const lines = [`${paint.red('error:')} ${report.message} ${paint.dim(`[${report.code}]`)}`];
  const problems = report.problems.map(({ path, message }) => `${path}: ${message}`);
  // A single problem is often the whole message already.
  lines.push(
    ...problems.filter((text) => !report.message.includes(text)).map((text) => `  ${text}`),
  );
  if (report.remedy !== '') lines.push(`→ ${report.remedy}`);
  if (options.verbose && report.requestId !== undefined)
    lines.push(paint.dim(`request ${report.requestId}`));
  return tame(lines.join('\n'), { keepColors: true });
}

function read(error: unknown, name: 'remedy' | 'requestId'): string | undefined {
  const value: unknown =
    error instanceof Error && name in error ? error[name as keyof Error] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function readProblems(error: unknown): readonly Problem[] {
  return error instanceof Error && 'problems' in error && Array.isArray(error.problems)
    ? (error.problems as readonly Problem[])
    : [];
}
