/**
 * Follows the events of a task or a batch to their end, over lost connections and restarts of the API. Each event is
 * given exactly once and in order: the stream goes on after the last one seen, repeated ones are dropped, and a gap
 * counts as a lost connection.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, codeOf, errorKinds } from '../contracts/errors.ts';
import type { Event } from '../contracts/event.schema.ts';
import { isFinal } from '../contracts/task-status.ts';
import type { ApiClient } from './api-client.ts';
import { readSse } from './sse.ts';

/** How patient a follower is. */
export interface Patience {
  /** For how long the server may stay away. A local platform that restarts is back within seconds. */
  readonly giveUpAfterMs: number;
  /** First pause before connecting again; it doubles up to 2 s. */
  readonly firstPauseMs: number;
  /** Silence after which a connection is taken for dead. */
  readonly silenceMs: number;
}

/** The patience of every command. */
const usualPatience: Patience = {
  giveUpAfterMs: 120_000,
  firstPauseMs: 100,
  silenceMs: 60_000,
};

/** What to follow, and how. */
export interface FollowOptions {
  readonly api: ApiClient;
  /** Id of a task or a batch. */
  readonly id: string;
  /** Sequence number after which to begin; 0 is the beginning. */
  readonly after: number;
  /** False: only the events that there are. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
  /** Told once when the connection is lost, and once when it is back. */
  readonly onConnection: (state: 'lost' | 'back', error?: unknown) => void;
  readonly patience?: Patience;
}

const maxPauseMs = 2_000;

/**
 * Gives the events of a task or batch as they come, and returns after the last one of the current attempt or round.
 * @throws the server's error when the stream cannot be had, SERVER_UNREACHABLE when it stays away too long
 */
export async function* followEvents(options: FollowOptions): AsyncGenerator<Event> {
  const place: Place = { seq: options.after, type: undefined };
  const outage = createOutage(options);
  for (let emptyAnswers = 0; ;) {
    const before = place.seq;
    try {
      yield* readOn(options, place, outage.end);
      if (!options.follow) return;
      emptyAnswers = place.seq === before ? emptyAnswers + 1 : 0;
      // The stream may also end because the API does; the status tells which it was.
      const mayBeOver =
        place.type === 'task-ended' || place.type === 'batch-ended' || emptyAnswers > 0;
      if (mayBeOver && (await hasEnded(options.api, options.id))) return;
    } catch (error) {
      if (options.signal.aborted) return;
      outage.begin(error);
    }
    if (!(await pause(outage.nextPauseMs(), options.signal))) return;
  }
}

/** How far a follower has come. */
interface Place {
  seq: number;
  type: Event['type'] | undefined;
}

/** Gives what comes after a place, and moves it along. */
async function* readOn(
  options: FollowOptions,
  place: Place,
  onOpen: () => void,
): AsyncGenerator<Event> {
  for await (const event of readStream(options, { after: place.seq, onOpen })) {
    if (event.seq <= place.seq) continue;
    if (event.seq !== place.seq + 1) throw new BrokenStream(`event ${place.seq + 1} is missing`);
    place.seq = event.seq;
    place.type = event.type;
    yield event;
  }
}

/** The time without a connection: when it began, whether it lasts too long, when to try again. */
interface Outage {
  /** Throws the error on when it will not pass, or has lasted too long. */
  readonly begin: (error: unknown) => void;
  readonly end: () => void;
  readonly nextPauseMs: () => number;
}

function createOutage({ onConnection, patience = usualPatience }: FollowOptions): Outage {
  let sinceMs: number | undefined;
  let pauseMs = patience.firstPauseMs;
  return {
    begin: (error) => {
      if (!isPassing(error)) throw error;
      if (sinceMs === undefined) onConnection('lost', error);
      sinceMs ??= Date.now();
      if (Date.now() - sinceMs > patience.giveUpAfterMs) throw error;
    },
    end: () => {
      if (sinceMs !== undefined) onConnection('back');
      sinceMs = undefined;
      pauseMs = patience.firstPauseMs;
    },
    nextPauseMs: () => {
      const next = pauseMs;
      pauseMs = Math.min(pauseMs * 2, maxPauseMs);
      return next;
    },
  };
}

/** A stream that cannot be trusted any further; it is opened again after the last good event. */
class BrokenStream extends AppError {
  constructor(message: string, cause?: unknown) {
    super('SERVER_UNREACHABLE', `The stream of events broke: ${message}.`, { cause });
  }
}

interface ReadOptions {
  readonly after: number;
  readonly onOpen: () => void;
}

async function* readStream(
  options: FollowOptions,
  { after, onOpen }: ReadOptions,
): AsyncGenerator<Event> {
  const { silenceMs } = options.patience ?? usualPatience;
  const silence = new AbortController();
  const watch = setTimeout(
    () => silence.abort(new BrokenStream('nothing was heard')),
    silenceMs,
  ).unref();
  const signal = AbortSignal.any([options.signal, silence.signal]);
  const query = { after, follow: options.follow ? 'true' : 'false' } as const;
  try {
    const bytes = await open(options.api, options.id, { query, lastSeq: after, signal });
    onOpen();
    for await (const message of readSse(heedful(bytes, () => watch.refresh()))) {
      // A delta is a foretaste of an event that is still to come, whole and with its number.
      if (message.event !== 'delta') yield toEvent(message.data);
    }
  } catch (error) {
    if (codeOf(error) !== undefined) throw error;
    // Whatever else ends the reading is the connection's fault: fetch has no closed set of errors.
    throw new BrokenStream(error instanceof Error ? error.message : 'the connection broke', {
      cause: error,
    });
  } finally {
    clearTimeout(watch);
    silence.abort();
  }
}

interface OpenInput {
  readonly query: { readonly after: number; readonly follow: 'true' | 'false' };
  readonly lastSeq: number;
  readonly signal: AbortSignal;
}

async function open(
  api: ApiClient,
  id: string,
  input: OpenInput,
): Promise<AsyncIterable<Uint8Array>> {
  return isBatchId(id)
    ? api.open('get /v1/batches/:batchId/events', { params: { batchId: id }, ...input })
    : api.open('get /v1/tasks/:taskId/events', { params: { taskId: id }, ...input });
}

async function* heedful(
  bytes: AsyncIterable<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    onBytes();
    yield chunk;
  }
}

function toEvent(data: string): Event {
  try {
    return JSON.parse(data) as Event;
  } catch (error) {
    throw new BrokenStream('a message is not JSON', error);
  }
}

/** Answers whether an id is a batch's; else it is a task's. */
export function isBatchId(id: string): boolean {
  return id.startsWith('batch-');
}

async function hasEnded(api: ApiClient, id: string): Promise<boolean> {
  const { status } = isBatchId(id)
    ? await api.call('get /v1/batches/:batchId', { params: { batchId: id } })
    : await api.call('get /v1/tasks/:taskId', { params: { taskId: id } });
  return isFinal(status);
}

/** Answers whether an error may go away by itself. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && (errorKinds[code].family === 'transient' || code === 'INTERNAL');
}

/** Waits; false when the signal ended it. */
async function pause(durationMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(durationMs, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
