// What the API and the command line say to all kinds of requests.
//   - one Idempotency-Key is one task, however often and at once it is sent
//   - a stream of events that is cut and resumed misses nothing and repeats nothing
//   - what is wrong with an input is said in words, with the right status and exit code
import { randomUUID } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSse } from '../../cli/sse.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { makeRepositories, makeRepository } from '../support/repositories.ts';
import { callerOf } from './call-ado.ts';

let ado: Ado;
let repository: string;
const emptyFolder = mkdtempSync(join(tmpdir(), 'ado-test-empty-'));
beforeAll(async () => {
  ado = await startSharedAdo();
  repository = makeRepository();
});
afterAll(async () => ado.stop());

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function send(
  path: string,
  options: { body?: unknown; key?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(`${ado.url}${path}`, {
    method: options.body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${options.key ?? ado.apiKey}`,
      'content-type': 'application/json',
      ...options.headers,
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const noWork = { prompt: 'Change nothing', agent: 'command', exec: 'true' } as const;

test('fifty equal requests under one key are one task; another body under it is refused', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const body = { ...noWork, repository, labels: { test: 'fifty' } };

  const answers = await Promise.all(
    Array.from({ length: 50 }, async () => send('/v1/tasks', { body, headers })),
  );
  const other = await send('/v1/tasks', { body: { ...body, prompt: 'Another' }, headers });
  const stored = await send('/v1/tasks?label=test%3Dfifty');

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map((answer) => answer.body['id'])).size).toBe(1);
  expect(stored.body['items']).toHaveLength(1);
  expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
});

test('the time limit counts for the command and its checks together', async () => {
  const task = await ado.submitTask({
    ...noWork,
    repository,
    exec: 'sleep 1.2',
    gates: [{ name: 'slow', command: 'sleep 1.2' }],
    timeoutMs: 2_000,
  });

  await ado.ended(task.id);

  expect(await ado.getTask(task.id)).toMatchObject({ status: 'failed', errorCode: 'TASK_TIMEOUT' });
});

/** Reads up to `count` events of a stream, then hangs up. Answers their ids. */
async function readSome(
  path: string,
  lastEventId: string | undefined,
  count: number,
): Promise<string[]> {
  const hangUp = new AbortController();
  const headers = {
    authorization: `Bearer ${ado.apiKey}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const response = await fetch(`${ado.url}${path}`, { headers, signal: hangUp.signal });
  const ids: string[] = [];
  if (response.body === null) return ids;
  for await (const message of readSse(response.body)) {
    if (message.event !== 'delta') ids.push(message.id);
    if (ids.length === count) break;
  }
  hangUp.abort();
  return ids;
}

test('a stream that is cut every few events and resumed by Last-Event-ID is whole', async () => {
  const items = makeRepositories(6).map((one) => ({ repository: one }));
  const batch = await ado.submitBatch({ ...noWork, exec: 'echo x > x', parallel: 2, items });

  const read: string[] = [];
  for (let part: string[] = ['']; part.length > 0; read.push(...part)) {
    part = await readSome(`/v1/batches/${batch.id}/events`, read.at(-1), 3);
  }

  const all = (await ado.listEvents(batch.id)).map(({ seq }) => String(seq));
  expect(all.length).toBeGreaterThan(12);
  expect(read).toEqual(all);
});

describe('the API answers', () => {
  const unknown = '00000000-0000-7000-8000-000000000000';
  const bad: readonly (readonly [what: string, expected: Answer, ask: () => Promise<Answer>])[] = [
    [
      'a repository that is not there',
      { status: 400, body: { code: 'REPOSITORY_NOT_FOUND' } },
      async () => send('/v1/tasks', { body: { ...noWork, repository: '/no/such/repository' } }),
    ],
    [
      'a folder that is no repository',
      { status: 400, body: { code: 'NOT_A_GIT_REPOSITORY' } },
      async () => send('/v1/tasks', { body: { ...noWork, repository: emptyFolder } }),
    ],
    [
      'an empty prompt',
      { status: 400, body: { code: 'INVALID_REQUEST' } },
      async () => send('/v1/tasks', { body: { ...noWork, prompt: ' ', repository } }),
    ],
    [
      'an unknown field',
      { status: 400, body: { code: 'INVALID_REQUEST' } },
      async () => send('/v1/tasks', { body: { ...noWork, repository, parralel: 3 } }),
    ],
    [
      'a base that is not there',
      { status: 400, body: { code: 'REF_NOT_FOUND' } },
      async () => send('/v1/tasks', { body: { ...noWork, repository, baseRef: 'nowhere' } }),
    ],
    [
      'a body over 1 MB',
      { status: 413, body: { code: 'BODY_TOO_LARGE' } },
      async () =>
        send('/v1/tasks', { body: { ...noWork, repository, pad: 'x'.repeat(1_100_000) } }),
    ],
    [
      'a wrong key',
      { status: 401, body: { code: 'KEY_INVALID' } },
      async () => send('/v1/tasks', { key: 'wrong' }),
    ],
    [
      'an unknown task',
      { status: 404, body: { code: 'TASK_NOT_FOUND' } },
      async () => send(`/v1/tasks/task-${unknown}`),
    ],
    [
      'an unknown batch',
      { status: 404, body: { code: 'BATCH_NOT_FOUND' } },
      async () => send(`/v1/batches/batch-${unknown}`),
    ],
    [
      'an unknown route',
      { status: 404, body: { code: 'ROUTE_NOT_FOUND' } },
      async () => send('/v1/nothing'),
    ],
  ];

  test.each(bad)('%s as it should', async (_, expected, ask) => {
    expect(await ask()).toMatchObject(expected);
  });
});

describe('the command line ends', () => {
  const noRepository = ['run', 'x', '--exec', 'true', '--repo', emptyFolder];
  const nowhere = ['run', 'x', '--exec', 'true', '--repo', '/no/such'];
  const noScript = ['run', 'x', '--model', 'scripted:/no.yaml', '--repo', emptyFolder];
  const noTask = ['show', 'task-00000000-0000-7000-8000-000000000000'];
  const bad = [
    {
      what: 'an unknown flag',
      words: ['run', 'x', '--exec', 'true', '--paralel', '3'],
      code: 2,
      says: /--paralel.*--parallel/s,
    },
    { what: 'an unknown command', words: ['bacth', 'list'], code: 2, says: /bacth.*batch/s },
    { what: 'a missing prompt', words: ['run', '--exec', 'true'], code: 2, says: /What is to be/ },
    { what: 'a folder without git', words: noRepository, code: 2, says: /NOT_A_GIT_REPOSITORY/ },
    { what: 'a missing repository', words: nowhere, code: 5, says: /REPOSITORY_NOT_FOUND/ },
    { what: 'a missing model script', words: noScript, code: 2, says: /SCRIPT_INVALID/ },
    { what: 'an unknown id', words: noTask, code: 5, says: /TASK_NOT_FOUND/ },
  ];

  test.each(bad)('$what as it should', async ({ words, code, says }) => {
    const end = await callerOf(ado).call(...words);

    expect(end).toEqual({ code, stderr: expect.stringMatching(says), stdout: '' });
  });

  test('a bad line of a list of targets is named', async () => {
    const caller = callerOf(ado);
    writeFileSync(join(caller.cwd, 'repos.txt'), `${repository}\n/no/such\n`);

    const end = await caller.call('run', 'x', '--exec', 'true', '--repos', 'repos.txt');

    expect(end).toMatchObject({ code: 5, stderr: expect.stringMatching(/repos\.txt:2/) });
  });

  test('a wrong key with 4, a server that is not there with 69', async () => {
    const wrongKey = await callerOf({ url: ado.url, apiKey: 'wrong' }).call('ps');
    const noServer = await callerOf({ url: 'http://127.0.0.1:9', apiKey: ado.apiKey }).call('ps');

    expect(wrongKey).toMatchObject({ code: 4, stderr: expect.stringContaining('KEY_INVALID') });
    expect(noServer).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('SERVER_UNREACHABLE'),
    });
  });
});
