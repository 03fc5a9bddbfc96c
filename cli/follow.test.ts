// Following a stream:
//   - an event is given once and in order, whatever the server repeats, leaves out or cuts off
//   - the end of the stream is not taken for the end of the task
//   - an error that stays ends it; one that passes is waited out, but not for ever
import { AppError } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { TaskStatus } from '../contracts/task-status.ts';
import type { ApiClient } from './api-client.ts';
import { followEvents } from './follow.ts';

/** One answer of the server: frames, then the end or an error. */
interface Answer {
  readonly frames: string;
  readonly error?: ErrorCode | 'broken';
}

const frame = (seq: number, type = 'output'): string =>
  `id: ${seq}\nevent: ${type}\ndata: ${JSON.stringify({ stream: 'task-1', seq, type, data: {}, at: '2026-01-01T00:00:00Z' })}\n\n`;

/** A server that gives its answers in turn and notes after which event each was asked for. */
function aServer(answers: Answer[], statuses: TaskStatus[] = []) {
  const askedAfter: number[] = [];
  async function* bytes(answer: Answer): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(new TextEncoder().encode(answer.frames));
    if (answer.error === 'broken') throw new TypeError('terminated');
  }
  const open = async (_: string, input: { readonly lastSeq: number }) => {
    askedAfter.push(input.lastSeq);
    const answer = answers.shift() ?? { frames: '', error: 'SERVER_UNREACHABLE' };
    if (answer.error !== undefined && answer.error !== 'broken')
      throw new AppError(answer.error, 'No.');
    return Promise.resolve(bytes(answer));
  };
  const call = async () => Promise.resolve({ status: statuses.shift() ?? 'succeeded' });
  return { api: { open, call } as unknown as ApiClient, askedAfter };
}

async function follow(
  api: ApiClient,
  giveUpAfterMs = 1_000,
): Promise<{ seqs: number[]; connection: string[] }> {
  const connection: string[] = [];
  const events = followEvents({
    api,
    id: 'task-1',
    after: 0,
    follow: true,
    signal: new AbortController().signal,
    onConnection: (state) => connection.push(state),
    patience: { giveUpAfterMs, firstPauseMs: 1, silenceMs: 5_000 },
  });
  const seqs: number[] = [];
  for await (const event of events) seqs.push(event.seq);
  return { seqs, connection };
}

it('goes on after the last event when the connection breaks, and says so once', async () => {
  const { api, askedAfter } = aServer([
    { frames: frame(1) + frame(2), error: 'broken' },
    { frames: '', error: 'SERVER_UNREACHABLE' },
    { frames: '', error: 'STORE_UNAVAILABLE' },
    { frames: frame(3, 'task-ended') },
  ]);

  expect(await follow(api)).toEqual({ seqs: [1, 2, 3], connection: ['lost', 'back'] });
  expect(askedAfter).toEqual([0, 2, 2, 2]);
});

it('drops repeated events, and asks again where one is missing', async () => {
  const { api, askedAfter } = aServer([
    { frames: frame(1) + frame(1) + frame(3) },
    { frames: frame(1) + frame(2) + frame(3, 'task-ended') },
  ]);

  expect((await follow(api)).seqs).toEqual([1, 2, 3]);
  expect(askedAfter).toEqual([0, 1]);
});

it('takes a delta for no event, and half a message for none', async () => {
  const { api } = aServer([
    { frames: `event: delta\ndata: not json\n\n${frame(1)}${frame(2).slice(0, -1)}` },
    { frames: frame(2, 'task-ended') },
  ]);

  expect((await follow(api)).seqs).toEqual([1, 2]);
});

it('does not take the end of the stream for the end of the task', async () => {
  const { api, askedAfter } = aServer(
    [
      { frames: frame(1) },
      // An earlier attempt ended; the task has been retried.
      { frames: frame(2, 'task-ended') },
      { frames: frame(3, 'task-ended') },
    ],
    ['running', 'succeeded'],
  );

  expect((await follow(api)).seqs).toEqual([1, 2, 3]);
  expect(askedAfter).toEqual([0, 1, 2]);
});

it('throws an error that stays, and one that passes when it lasts too long', async () => {
  const gone = aServer([{ frames: '', error: 'TASK_NOT_FOUND' }]);
  const away = aServer([{ frames: frame(1) }]);

  await expect(follow(gone.api)).rejects.toThrow(
    expect.objectContaining({ code: 'TASK_NOT_FOUND' }) as Error,
  );
  await expect(follow(away.api, 20)).rejects.toThrow(
    expect.objectContaining({ code: 'SERVER_UNREACHABLE' }) as Error,
  );
});
