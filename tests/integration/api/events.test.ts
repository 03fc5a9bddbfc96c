/**
 * Event streams: what a reader sees is the stored stream, whole and once.
 *   - from the first event to the end of the current attempt, then the connection closes
 *   - cut anywhere and resumed any number of times, no event is missing and none comes twice
 *   - an event committed while nobody is told of it arrives all the same
 *   - live text comes in between, without an id, and is never repeated
 *   - a reader that goes leaves nothing behind
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import type { NewEvent } from '../../../contracts/event.schema.ts';
import { aBatch, aTask, startApi, type TestApi } from './api-world.ts';
import { readEvents, readFrames } from './read-stream.ts';

let api: TestApi;
let taskId: string;
beforeEach(async () => {
  api = await startApi();
  ({ id: taskId } = await api.call('submitTask', { body: aTask() }));
});
afterEach(() => api.stop());

const output = (text: string): NewEvent => ({
  type: 'output',
  data: { step: 1, source: 'stdout', text },
});
const follow = (sent: { query?: Record<string, string>; headers?: Record<string, string> } = {}) =>
  api.send('followTask', { params: { taskId }, ...sent });
const seqsOf = (events: readonly { seq: number }[]) => events.map(({ seq }) => seq);
const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);

test('a stream is sent as server-sent events that no proxy holds back', async () => {
  api.store.endTask(taskId, 'succeeded');

  const response = await follow();

  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('x-accel-buffering')).toBe('no');
  const text = await response.text();
  expect(text).toMatch(
    /^retry: 1000\n\nid: 1\nevent: task-queued\ndata: \{.*\}\n\nid: 2\nevent: task-ended\n/,
  );
});

test('an ended stream of many pages is sent whole, then closed', async () => {
  api.store.append(taskId, ...upTo(1_200).map((n) => output(`line ${n}\n`)));
  api.store.endTask(taskId, 'succeeded');

  const events = await readEvents(await follow());

  expect(seqsOf(events)).toEqual(upTo(1_202));
});

test('events that come while it is read are sent until the attempt ends', async () => {
  const reading = follow().then(readEvents);
  for (const text of ['a', 'b', 'c']) {
    api.store.append(taskId, output(text));
    api.live.publish({ kind: 'events', streamId: taskId });
  }
  api.store.endTask(taskId, 'failed');

  expect(seqsOf(await reading)).toEqual(upTo(5));
});

test('an attempt that was retried in the meantime is followed on', async () => {
  api.store.endTask(taskId, 'failed');
  await api.call('retryTask', { params: { taskId } });
  const frames = readFrames(await follow());
  const seen: (string | undefined)[] = [];
  for (let n = 0; n < 3; n += 1) seen.push((await frames.next()).value?.event);

  api.store.endTask(taskId, 'succeeded');
  for await (const frame of frames) seen.push(frame.event);

  expect(seen).toEqual(['task-queued', 'task-ended', 'task-queued', 'task-ended']);
});

test('`follow=false` ends after the events there are', async () => {
  api.store.append(taskId, output('a'));

  expect(seqsOf(await readEvents(await follow({ query: { follow: 'false' } })))).toEqual([1, 2]);
});

test('Last-Event-ID wins over `after`', async () => {
  api.store.append(taskId, ...upTo(5).map((n) => output(String(n))));
  const query = { after: '1', follow: 'false' };

  const byQuery = await readEvents(await follow({ query }));
  const byHeader = await readEvents(await follow({ query, headers: { 'last-event-id': '4' } }));

  expect(seqsOf(byQuery)).toEqual([2, 3, 4, 5, 6]);
  expect(seqsOf(byHeader)).toEqual([5, 6]);
});

test('a Last-Event-ID that is no sequence number is refused', async () => {
  for (const id of ['x', '-1', '1.5', '9'.repeat(30)]) {
    const problem = await api.refuse('followTask', {
      params: { taskId },
      headers: { 'last-event-id': id },
    });
    expect(problem.code).toBe('INVALID_REQUEST');
  }
});

test('a reader that comes back after the end is told so at once, even from beyond the last event', async () => {
  api.store.endTask(taskId, 'succeeded');

  expect(await readEvents(await follow({ query: { after: '2' } }))).toEqual([]);
  expect(await readEvents(await follow({ query: { after: '900' } }))).toEqual([]);
});

test('cut at any points and resumed, a stream is read whole and nothing twice', async () => {
  api.store.append(taskId, ...upTo(700).map((n) => output(`line ${n}\n`)));
  api.store.endTask(taskId, 'succeeded');

  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 6 }), async (cuts) => {
      const seen: number[] = [];
      for (const take of [...cuts, Infinity]) {
        const cut = new AbortController();
        const response = await fetch(`${api.url}/v1/tasks/${taskId}/events`, {
          signal: cut.signal,
          headers: {
            authorization: 'Bearer ado_test_admin',
            'last-event-id': String(seen.at(-1) ?? 0),
          },
        });
        let taken = 0;
        for await (const { id } of readFrames(response)) {
          seen.push(Number(id));
          taken += 1;
          if (taken >= take) break;
        }
        cut.abort();
      }
      expect(seen).toEqual(upTo(702));
    }),
    { numRuns: 15 },
  );
});

test('live text comes without an id and is passed on as it is', async () => {
  const frames = readFrames(await follow());
  await frames.next();
  api.live.publish({ kind: 'delta', taskId }, '{"text":"hel"}');

  expect((await frames.next()).value).toEqual({
    id: undefined,
    event: 'delta',
    data: '{"text":"hel"}',
  });
  await frames.return();
});

test('a quiet stream is kept open by comments', async () => {
  await api.stop();
  api = await startApi({ streams: { lookMs: 10, gapMs: 0, heartbeatMs: 20, stalledMs: 1_000 } });
  ({ id: taskId } = await api.call('submitTask', { body: aTask() }));
  const response = await follow();

  let text = '';
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.split(': heartbeat\n\n').length > 2) break;
  }

  expect(text).toContain(': heartbeat\n\n: heartbeat\n\n');
});

test('a reader that goes away is no longer listened for', async () => {
  const cut = new AbortController();
  const headers = { authorization: 'Bearer ado_test_admin' };
  const response = await fetch(`${api.url}/v1/tasks/${taskId}/events`, {
    signal: cut.signal,
    headers,
  });
  await readFrames(response).next();
  expect(api.live.listenerCount()).toBe(2);

  cut.abort();
  await api.live.untilQuiet();

  expect(api.live.listenerCount()).toBe(0);
});

test('a reader that takes nothing is not sent ahead of, and is cut off in the end', async () => {
  await api.stop();
  api = await startApi({ streams: { lookMs: 10, gapMs: 0, heartbeatMs: 1_000, stalledMs: 100 } });
  ({ id: taskId } = await api.call('submitTask', { body: aTask() }));
  api.store.append(taskId, ...upTo(400).map(() => output('x'.repeat(60_000))));
  const { port } = new URL(api.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `GET /v1/tasks/${taskId}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ado_test_admin\r\n\r\n`,
  );
  socket.pause();

  await api.live.untilQuiet();
  socket.resume();
  await once(socket, 'close');

  expect(socket.bytesRead).toBeLessThan(400 * 60_000);
});

test('a stopping server ends its streams, so that readers come back elsewhere', async () => {
  const frames = readFrames(await follow());
  await frames.next();

  const stopped = api.stop();

  expect((await frames.next()).done).toBe(true);
  await stopped;
});

test('a batch is followed to the end of its round', async () => {
  const { id } = await api.call('submitBatch', { body: aBatch(['/a']) });
  api.store.append(
    id,
    { type: 'batch-started', data: { total: 1, parallel: 10, round: 1 } },
    { type: 'batch-ended', data: { result: 'failed', total: 1, costMicroUsd: 0 } },
    { type: 'items-retried', data: { count: 1, round: 2 } },
  );
  const reading = api.send('followBatch', { params: { batchId: id } }).then(readEvents);
  api.store.append(id, {
    type: 'batch-ended',
    data: { result: 'success', total: 1, costMicroUsd: 0 },
  });

  expect((await reading).map(({ type }) => type)).toEqual([
    'batch-queued',
    'batch-started',
    'batch-ended',
    'items-retried',
    'batch-ended',
  ]);
});
