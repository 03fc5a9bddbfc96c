/** A call as it comes in: its connection, its format, its key, and the request that its body holds. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BadRequest } from './wire-format.ts';
import type { Endpoint, ModelRequest, WireError, WireFormat } from './wire-format.ts';

/** A call that came in, before its body is read. */
export interface IncomingCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly format: WireFormat;
  readonly endpoint: Endpoint;
  /** Its API key; empty when it has none. */
  readonly key: string;
}

/** Largest request that is read, as at Anthropic: 32 MB. */
const maxBodyBytes = 32 * 1024 * 1024;

/** What is wrong with a call; the model is told elsewhere. */
export type CallError = Omit<WireError, 'model'>;

/** The account as the log names it: enough of a hash to tell keys apart, nothing to use them by. */
export function accountOf(key: string): string {
  return key === '' ? 'none' : createHash('sha256').update(key).digest('hex').slice(0, 12);
}

/** Reads the request of a call, or what the vendor would find wrong with it. */
export async function readCall(call: IncomingCall): Promise<ModelRequest | CallError> {
  const { format, endpoint, key } = call;
  const body = await readBody(call.request);
  if (body === undefined) return { status: 413 };
  if (key === '' && format.keyNeeded) return { status: 401 };
  try {
    return format.read(JSON.parse(body), endpoint);
  } catch (error) {
    if (error instanceof BadRequest) return { status: 400, message: error.message };
    if (error instanceof SyntaxError) {
      return { status: 400, message: 'The request body is not valid JSON.' };
    }
    throw error;
  }
}

/** Reads a body as text; undefined when it is too large, or the client left. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      // What is too large is read on and dropped, so that the client gets to read the answer.
      if (size <= maxBodyBytes) chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return size > maxBodyBytes ? undefined : Buffer.concat(chunks).toString('utf8');
}
