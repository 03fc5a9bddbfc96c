/** Where a reader of an event stream stopped. */
import type { Request } from 'express';
import { AppError } from '../../contracts/errors.ts';

/** Reads the sequence number in `Last-Event-ID`, which a reconnecting browser sends. @throws INVALID_REQUEST */
export function readLastEventId(request: Request): number | undefined {
  const header = request.get('last-event-id');
  if (header === undefined || header === '') return undefined;
  const seq = Number(header);
  if (!/^\d+$/.test(header) || !Number.isSafeInteger(seq)) {
    const message = 'must be the `id` of an event of this stream';
    throw new AppError('INVALID_REQUEST', `The Last-Event-ID ${message}.`, {
      problems: [{ path: 'Last-Event-ID', message }],
    });
  }
  return seq;
}
