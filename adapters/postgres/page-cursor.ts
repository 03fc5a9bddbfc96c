/** Cursors of lists: the sort key of the last item, opaque to callers. */
import { z } from 'zod';
import { AppError } from '../../contracts/errors.ts';
import type { Page } from '../ports.ts';

/** Reads a cursor; undefined for the first page. @throws INVALID_REQUEST when this list did not make it */
export function readCursor<T>(cursor: string | undefined, key: z.ZodType<T>): T | undefined {
  if (cursor === undefined) return undefined;
  const parsed = key.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new AppError('INVALID_REQUEST', 'The cursor is not one of this list.', {
    problems: [{ path: 'cursor', message: 'not a cursor of this list' }],
  });
}

/** Makes a page of rows of which one more than `limit` was asked for. */
export function toPage<Row, T>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => T,
  keyOf: (row: Row) => unknown,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    items: shown.map(toItem),
    nextCursor: more ? Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') : null,
  };
}

/** Sort key of lists that show the newest first: creation time in milliseconds, and id. */
export const byAge = z.tuple([z.int(), z.string()]);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
