/** Zod's findings in the words of the API. */
import type { z } from 'zod';
import type { Problem } from '../../contracts/errors.ts';

/** Lists what is wrong with an input, each unknown field by its own name. */
export function toProblems(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key].join('.'),
        message: 'is not known here',
      }));
    }
    return [{ path: path.join('.'), message: issue.message }];
  });
}
