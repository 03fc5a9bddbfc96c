/**
 * Followers look at the store as seldom as their readers allow.
 *   - an event of a quiet stream is sent at once
 *   - many events in a short time cost one look, and none of them is missing
 *   - live text waits for no look
 *   - what was stored while nobody was listened to yet is looked for
 */
import { createMemoryLiveChannel } from '../../tests/support/fakes/memory-live-channel.ts';
import type { LiveChannel } from '../../adapters/ports.ts';
import type { ApiDeps } from '../deps.ts';
import { followEvents, type Followed } from './follow-events.ts';

const id = 'task-1';

beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick'] }));
afterEach(() => jest.useRealTimers());

/** A follower of a stream of which nothing is stored yet; listened to from the beginning, or once `listening` says so. */
function aFollower(listening: Promise<unknown> = Promise.resolve()) {
  const live = createMemoryLiveChannel();
  const reader = new AbortController();
  const seen: Followed[] = [];
  let [stored, looks] = [0, 0];
  const deps = {
    live: {
      ...live,
      subscribe: async (...topic: Parameters<LiveChannel['subscribe']>) => {
        await listening;
        return live.subscribe(...topic);
      },
    },
    clock: { now: () => Date.now() },
    streams: { lookMs: 1_000, gapMs: 25, heartbeatMs: 15_000, stalledMs: 60_000 },
    store: {
      getTask: () => Promise.resolve({ status: 'running' }),
      listEvents: (_actor: unknown, _id: string, afterSeq: number) => {
        looks += 1;
        const seqs = Array.from({ length: stored - afterSeq }, (_, place) => afterSeq + 1 + place);
        return Promise.resolve(seqs.map((seq) => ({ seq, type: 'output' })));
      },
    },
  } as unknown as ApiDeps;
  const following = (async () => {
    const request = {
      actor: { tenantId: 'tenant', tenantName: 'tenant', keyId: 'key', scopes: [] },
      stream: { kind: 'task', id },
      afterSeq: 0,
      follow: true,
      signal: reader.signal,
    } as const;
    for await (const followed of followEvents(deps, request)) seen.push(followed);
  })();
  return {
    store: () => {
      stored += 1;
      live.publish({ kind: 'events', streamId: id });
    },
    say: (text: string) => live.publish({ kind: 'delta', taskId: id }, text),
    /** Looks since this was last asked. */
    looks: () => {
      const count = looks;
      looks = 0;
      return count;
    },
    seqs: () => seen.flatMap((one) => (one.kind === 'event' ? [one.event.seq] : [])),
    deltas: () => seen.flatMap((one) => (one.kind === 'delta' ? [one.data] : [])),
    end: async () => {
      reader.abort();
      await following;
    },
  };
}

/** One that has looked and waits. */
async function aQuietFollower() {
  const follower = aFollower();
  await jest.advanceTimersByTimeAsync(500);
  follower.looks();
  return follower;
}

test('an event of a quiet stream is sent at once, for one look', async () => {
  const follower = await aQuietFollower();

  follower.store();
  await jest.advanceTimersByTimeAsync(0);

  expect(follower.seqs()).toEqual([1]);
  expect(follower.looks()).toBe(1);
  await follower.end();
});

test('a hundred events within 100 ms cost a look per 25 ms, and the last is sent too', async () => {
  const follower = await aQuietFollower();

  for (let count = 0; count < 100; count += 1) {
    follower.store();
    await jest.advanceTimersByTimeAsync(1);
  }
  await jest.advanceTimersByTimeAsync(25);

  expect(follower.seqs()).toEqual(Array.from({ length: 100 }, (_, place) => place + 1));
  expect(follower.looks()).toBe(5);
  await follower.end();
});

test('live text does not wait for the look that is due', async () => {
  const follower = await aQuietFollower();
  follower.store();
  await jest.advanceTimersByTimeAsync(1);
  follower.store();

  follower.say('text');
  await jest.advanceTimersByTimeAsync(0);

  expect(follower.deltas()).toEqual(['text']);
  expect(follower.seqs()).toEqual([1]);
  await follower.end();
});

test('what was told before anybody listened is looked for as soon as somebody does', async () => {
  const listening = Promise.withResolvers<undefined>();
  const follower = aFollower(listening.promise);
  await jest.advanceTimersByTimeAsync(100);
  follower.store();

  listening.resolve(undefined);
  await jest.advanceTimersByTimeAsync(0);

  expect(follower.seqs()).toEqual([1]);
  expect(follower.looks()).toBe(2);
  await follower.end();
});
