/** Says where a target was named, when the server finds something wrong with it. */
import { AppError } from '../../contracts/errors.ts';
import type { Problem } from '../../contracts/errors.ts';
import { ServerError } from '../api-client.ts';
import type { Target } from './target.ts';

/** Turns the server's `items.3.repository` into `repos.txt:7 (repository)`. Other errors are answered as they are. */
export function nameSources(error: unknown, targets: readonly Target[]): unknown {
  if (!(error instanceof AppError) || error.problems.length === 0) return error;
  const problems = error.problems.map((problem) => nameSource(problem, targets));
  const { remedy, requestId } = error instanceof ServerError ? error : {};
  return new ServerError(error.code, error.message, {
    problems,
    ...(remedy === undefined ? {} : { remedy }),
    ...(requestId === undefined ? {} : { requestId }),
  });
}

function nameSource({ path, message }: Problem, targets: readonly Target[]): Problem {
  const [, index, field] = /^items\.(\d+)(?:\.(.+))?$/.exec(path) ?? [];
  const target = targets[Number(index)];
  if (target === undefined) return { path, message };
  const isRepository = field === undefined || field === 'repository';
  return {
    path: isRepository ? target.source : `${target.source} (${field})`,
    message: `${target.repository}: ${message}`,
  };
}
