/** Limits are checked before Redis is asked: a limit of 0 would be an endless wait, an unknown zone a late surprise. */
import { isTimeZone } from '../../../contracts/calendar.ts';
import { AppError, type Problem } from '../../../contracts/errors.ts';
import type { Charges, MeteredDimension, LimitScope } from '../../ports.ts';

const longestPeriodMs = 7 * 86_400_000;
const mostScopes = 8;

/** Throws LIMIT_INVALID naming every limit that is not one. Called once per configuration, not per call. */
export function assertLimits(scopes: readonly LimitScope[]): void {
  const problems = scopes.flatMap((scope) => [
    ...problemsOfScope(scope),
    ...scope.dimensions.flatMap((dimension) =>
      problemsOf(dimension).map((message) => ({
        path: `${scope.name}.${dimension.name}`,
        message,
      })),
    ),
  ]);
  if (scopes.length > mostScopes) {
    problems.push({ path: 'scopes', message: `more than ${mostScopes}` });
  }
  if (problems.length === 0) return;
  const said = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new AppError('LIMIT_INVALID', said, { problems });
}

/**
 * Throws LIMIT_UNREACHABLE when a charge is above what a limit ever holds. Not for shares: a call that is larger than a
 * tenant's part at once waits until that is full, and leaves debt.
 */
export function assertReachable(scopes: readonly LimitScope[], charges: Charges): void {
  for (const scope of scopes) {
    for (const dimension of scope.share === true ? [] : scope.dimensions) {
      const cost = charges[dimension.charge];
      const most = dimension.kind === 'rate' ? dimension.burst : dimension.limit;
      if (cost > most) {
        throw new AppError(
          'LIMIT_UNREACHABLE',
          `The call costs ${cost} of ${scope.name}.${dimension.name}, which never holds more than ${most}.`,
        );
      }
    }
  }
}

function problemsOfScope({ name, dimensions, maxConcurrent }: LimitScope): Problem[] {
  const problems: Problem[] = [];
  const names = new Set(dimensions.map((dimension) => dimension.name));
  if (names.size < dimensions.length) problems.push({ path: name, message: 'a name comes twice' });
  if (maxConcurrent !== undefined && !(Number.isInteger(maxConcurrent) && maxConcurrent > 0)) {
    problems.push({ path: `${name}.maxConcurrent`, message: 'must be a whole number above 0' });
  }
  return problems;
}

function problemsOf(dimension: MeteredDimension): string[] {
  const problems: string[] = [];
  if (!isPositive(dimension.limit)) problems.push('the limit must be above 0');
  if (dimension.kind === 'rate') {
    if (!isPositive(dimension.perMs)) problems.push('the time must be above 0 ms');
    if (!isPositive(dimension.burst)) problems.push('the burst must be above 0');
  } else if (dimension.period === 'day') {
    if (!isTimeZone(dimension.timeZone)) problems.push(`no time zone ${dimension.timeZone}`);
  } else if (!isPositive(dimension.period) || dimension.period > longestPeriodMs) {
    problems.push('the period must be above 0 and at most 7 days');
  }
  return problems;
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
