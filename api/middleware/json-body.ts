/** Reading a JSON body: at most 1 MB, and an error that says where the text goes wrong. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { AppError } from '../../contracts/errors.ts';

const parse: RequestHandler = express.json({ limit: '1mb', strict: false });

/**
 * Reads the body of a request. An absent one is an empty object: every field may be missing.
 * @throws INVALID_REQUEST with the position where it stops being JSON · BODY_TOO_LARGE
 */
export async function readJsonBody(request: Request, response: Response): Promise<unknown> {
  if (isAbsent(request)) return {};
  if (request.is('application/json') === false) {
    const type = request.get('content-type') ?? 'no content type';
    throw new AppError(
      'INVALID_REQUEST',
      `The body is of type ${JSON.stringify(type)}; send \`application/json\`.`,
    );
  }
  await new Promise<void>((resolve, reject) => {
    parse(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(toReadError(error));
    });
  });
  return request.body as unknown;
}

function isAbsent(request: Request): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return encoding === undefined && (length === undefined || length === '0');
}

/** What body-parser says of a body that it cannot read. */
interface BodyError {
  readonly type?: unknown;
  readonly message: string;
  /** The text, when it was read but not understood. */
  readonly body?: unknown;
}

function toReadError(error: unknown): Error {
  const { type, message, body } = error as BodyError;
  switch (type) {
    case 'entity.too.large':
      return new AppError('BODY_TOO_LARGE', 'The body is over 1 MB.', { cause: error });
    case 'entity.parse.failed': {
      const detail = `The body is not JSON: ${placed(message, String(body))}.`;
      return new AppError('INVALID_REQUEST', detail, { cause: error });
    }
    // Refused by what the caller declared or did, as these types say.
    case 'encoding.unsupported':
    case 'charset.unsupported':
    case 'request.size.invalid':
    case 'request.aborted':
      return new AppError('INVALID_REQUEST', `The body cannot be read: ${message}.`, {
        cause: error,
      });
    default:
      return error as Error;
  }
}

/** Adds the position to a parser's message where V8 leaves it out: at an unexpected token, and at the end. */
function placed(message: string, text: string): string {
  if (/at position \d+/.test(message)) return message;
  if (!message.startsWith('Unexpected token')) return `${message} at position ${text.length}`;
  // A prefix fails with this message only once it holds the token: the shortest such prefix ends there.
  let [valid, failing] = [0, text.length];
  while (failing - valid > 1) {
    const middle = (valid + failing) >> 1;
    if (isTokenUnexpected(text.slice(0, middle))) failing = middle;
    else valid = middle;
  }
  return `unexpected ${JSON.stringify(text[failing - 1])} at position ${failing - 1}`;
}

function isTokenUnexpected(text: string): boolean {
  try {
    JSON.parse(text);
    return false;
  } catch (error) {
    return (error as Error).message.startsWith('Unexpected token');
  }
}
