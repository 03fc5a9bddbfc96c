/**
 * A stream's events from any point on, each once and in order, until the stream has ended.
 *
 * Truth is the store: wake-ups by Redis only shorten the wait between two looks, so a lost one costs `lookMs`. A reader
 * that comes back with the last sequence number it saw misses nothing and gets nothing twice.
 */
import type { Actor } from '../../adapters/ports.ts';
import type { Event, EventType } from '../../contracts/event.schema.ts';
import { isFinal } from '../../contracts/task-status.ts';
import type { ApiDeps } from '../deps.ts';
import { listenForNews, type StreamName } from './stream-news.ts';

/** Events read at once. */
const pageSize = 500;

/** What a follower gets. */
export type Followed =
  /** The stream is there; sent before anything else. */
  | { readonly kind: 'open' }
  | { readonly kind: 'event'; readonly event: Event }
  /** Live text of a task, never stored and never repeated. */
  | { readonly kind: 'delta'; readonly data: string }
  /** Nothing happened for a while. */
  | { readonly kind: 'heartbeat' };

/** Which stream, from where on. */
export interface FollowRequest {
  readonly actor: Actor;
  readonly stream: StreamName;
  readonly afterSeq: number;
  /** False: end after the events that are stored. */
  readonly follow: boolean;
  /** Ends the following: the reader is gone, or the server stops. */
  readonly signal: AbortSignal;
}

/** Event types that end an attempt or round, and that begin the next one. */
const turns = {
  task: { end: 'task-ended', begin: 'task-queued' },
  batch: { end: 'batch-ended', begin: 'items-retried' },
} as const satisfies Record<string, Record<string, EventType>>;

/**
 * Follows a stream to the end of its current attempt or round; a retry that came in the meantime is followed too.
 * @throws TASK_NOT_FOUND · BATCH_NOT_FOUND before anything is yielded
 */
export async function* followEvents(
  deps: Pick<ApiDeps, 'store' | 'live' | 'clock' | 'streams'>,
  request: FollowRequest,
): AsyncGenerator<Followed, void> {
  const { actor, stream, follow, signal } = request;
  const { end, begin } = turns[stream.kind];
  // Asked before a look at the events: the status of an end is committed together with its event, so what this sees as
  // ended has nothing more to come once a page is not full.
  let ended = await hasEnded(deps, request);
  yield { kind: 'open' };

  const news = listenForNews(deps, stream, signal);
  let seq = request.afterSeq;
  let spokeAt = deps.clock.now();
  try {
    while (!signal.aborted) {
      news.beforeLook();
      const page = await deps.store.listEvents(actor, stream.id, seq, pageSize);
      for (const event of page) {
        yield { kind: 'event', event };
        seq = event.seq;
        ended = event.type === end || (ended && event.type !== begin);
      }
      if (page.length > 0) spokeAt = deps.clock.now();
      if (page.length === pageSize) continue;
      if (ended || !follow) return;

      for await (const data of news.untilNextLook(deps.streams)) {
        yield { kind: 'delta', data };
        spokeAt = deps.clock.now();
      }
      if (deps.clock.now() - spokeAt < deps.streams.heartbeatMs) continue;
      yield { kind: 'heartbeat' };
      spokeAt = deps.clock.now();
      // A reader that began beyond the last event would else never see an end.
      ended = await hasEnded(deps, request);
    }
  } finally {
    news.close();
  }
}

async function hasEnded(
  { store }: Pick<ApiDeps, 'store'>,
  { actor, stream }: FollowRequest,
): Promise<boolean> {
  const { status } =
    stream.kind === 'task'
      ? await store.getTask(actor, stream.id)
      : await store.getBatch(actor, stream.id);
  return isFinal(status);
}
