/** What a caller may rely on when a task is submitted, asked for, cancelled and retried. */
import { AppError } from '../../../contracts/errors.ts';
import { aTask, keys, startApi, type TestApi } from './api-world.ts';

const unknownId = 'task-01890000-0000-7000-8000-000000000000';

let api: TestApi;
afterEach(() => api.stop());

describe('submitting a task', () => {
  beforeEach(async () => {
    api = await startApi();
  });

  test('answers 202 with the queued task, and wakes the relay', async () => {
    const task = await api.call('submitTask', { body: aTask() });

    expect(task).toMatchObject({ status: 'queued', attempt: 1, repository: '/repos/one' });
    expect(task.branch).toBe(`ado/fix-the-typo-${task.id.slice(-8)}`);
    expect(await api.call('getTask', { params: { taskId: task.id } })).toEqual(task);
    expect(api.store.outbox).toMatchObject([{ kind: 'start-task', workflowId: task.id }]);
    expect(api.relay.wakes).toBe(1);
    expect(api.live.published).toContainEqual({ kind: 'events', streamId: task.id });
  });

  test('fifty equal requests with one key make one task', async () => {
    const sent = { body: aTask(), headers: { 'idempotency-key': 'once' } };

    const tasks = await Promise.all(Array.from({ length: 50 }, () => api.call('submitTask', sent)));

    expect(new Set(tasks.map((task) => task.id)).size).toBe(1);
    expect(api.store.taskCount()).toBe(1);
  });

  test('a repeat answers the task as it is by then, although its repository is gone', async () => {
    let isGone = false;
    const resolve = async () => {
      if (isGone) throw new AppError('REPOSITORY_NOT_FOUND', 'gone');
      return { repository: '/repos/one', baseCommit: 'a'.repeat(40) };
    };
    const describeCommand = async () => ({ files: [], digest: '' });
    await api.stop();
    api = await startApi({
      workspaces: { resolve, describeCommand, readBase: async () => undefined },
    });
    const sent = { body: aTask(), headers: { 'idempotency-key': 'again' } };
    const first = await api.call('submitTask', sent);
    api.store.endTask(first.id, 'failed');
    isGone = true;

    const repeated = await api.call('submitTask', sent);

    expect(repeated).toMatchObject({ id: first.id, status: 'failed' });
  });

  test('the same key with another body is refused with 422', async () => {
    const headers = { 'idempotency-key': 'twice' };
    await api.call('submitTask', { body: aTask(), headers });

    const problem = await api.refuse('submitTask', { body: aTask({ prompt: 'Other' }), headers });

    expect(problem).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  test('an Idempotency-Key of 256 characters is refused', async () => {
    const headers = { 'idempotency-key': 'x'.repeat(256) };

    const problem = await api.refuse('submitTask', { body: aTask(), headers });

    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
    expect(problem.problems?.[0]?.path).toBe('Idempotency-Key');
  });

  test('one work submitted again after it succeeded is ended as cached, but with `fresh` it runs', async () => {
    const first = await api.call('submitTask', { body: aTask() });
    api.store.endTask(first.id, 'succeeded');

    const cached = await api.call('submitTask', { body: aTask({ labels: { team: 'a' } }) });
    const fresh = await api.call('submitTask', { body: aTask({ fresh: true }) });

    expect(cached).toMatchObject({ outcome: 'skipped_unchanged', sourceTaskId: first.id });
    expect(fresh.status).toBe('queued');
  });

  test('variables are put into the prompt', async () => {
    const body = aTask({ prompt: 'Bump {{lib}} in {{repository}}', variables: { lib: 'zod' } });

    const task = await api.call('submitTask', { body });

    expect(task.prompt).toBe('Bump zod in /repos/one');
  });

  test.each([
    ['a bad repository', { repository: '/missing' }, 'REPOSITORY_NOT_FOUND'],
    ['a bad ref', { baseRef: 'nowhere' }, 'REF_NOT_FOUND'],
    ['an unknown model', { agent: 'builtin', exec: undefined, model: 'acme:x' }, 'MODEL_NOT_FOUND'],
    ['no sandbox', { sandbox: 'none' }, 'SANDBOX_REQUIRED'],
    ['a variable without a value', { prompt: '{{a}}', variables: { b: '1' } }, 'INVALID_REQUEST'],
  ])('with %s stores nothing', async (_what, change, code) => {
    const problem = await api.refuse('submitTask', { body: aTask(change) });

    expect(problem.code).toBe(code);
    expect(api.store.taskCount()).toBe(0);
  });

  test('a sandbox that does not work here refuses the task', async () => {
    await api.stop();
    api = await startApi({
      checkSandbox: () =>
        Promise.reject(new AppError('SANDBOX_UNAVAILABLE', 'bwrap: no user namespaces')),
    });

    const problem = await api.refuse('submitTask', { body: aTask() });

    expect(problem).toMatchObject({ status: 409, code: 'SANDBOX_UNAVAILABLE' });
  });
});

describe('a task', () => {
  beforeEach(async () => {
    api = await startApi();
  });

  test('of another tenant is as unknown as one that does not exist', async () => {
    const { id } = await api.call('submitTask', { body: aTask() });

    for (const taskId of [id, unknownId, 'task-1', '..%2f..']) {
      for (const name of [
        'getTask',
        'cancelTask',
        'retryTask',
        'listSteps',
        'getDiff',
        'getLogs',
        'followTask',
      ] as const) {
        const problem = await api.refuse(name, { key: keys.stranger, params: { taskId } });
        expect(problem).toMatchObject({ status: 404, code: 'TASK_NOT_FOUND' });
      }
    }
  });

  test('that runs hears of its cancel at once', async () => {
    const { id } = await api.call('submitTask', { body: aTask() });
    api.store.changeTask(id, { status: 'running' });

    const task = await api.call('cancelTask', {
      params: { taskId: id },
      body: { reason: 'enough' },
    });

    expect(task).toMatchObject({ status: 'running', cancelRequested: true });
    expect(api.live.published).toContainEqual({ kind: 'cancel', taskId: id });
    expect(api.relay.wakes).toBe(2);
  });

  test('can be cancelled without a body', async () => {
    const { id } = await api.call('submitTask', { body: aTask() });

    expect(await api.call('cancelTask', { params: { taskId: id } })).toMatchObject({
      status: 'cancelled',
    });
  });

  test('gets a new attempt when it failed, and none while it runs', async () => {
    const { id } = await api.call('submitTask', { body: aTask() });
    const early = await api.refuse('retryTask', { params: { taskId: id } });
    api.store.endTask(id, 'failed');

    const task = await api.call('retryTask', { params: { taskId: id } });

    expect(early.code).toBe('TASK_NOT_ENDED');
    expect(task).toMatchObject({ attempt: 2, status: 'queued' });
    expect(api.store.outbox.at(-1)).toMatchObject({ kind: 'start-task', workflowId: `${id}.2` });
  });

  test('list goes on at its cursor, and takes comma-separated filters', async () => {
    for (const prompt of ['a', 'b', 'c']) await api.call('submitTask', { body: aTask({ prompt }) });

    const query = { limit: '2', status: 'queued,running' };
    const first = await api.call('listTasks', { query });
    const second = await api.call('listTasks', {
      query: { ...query, cursor: first.nextCursor ?? '' },
    });

    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([2, 1, null]);
  });

  test('has its patch and its log as plain text', async () => {
    const { id } = await api.call('submitTask', { body: aTask() });
    api.store.append(
      id,
      { type: 'step-started', data: { step: 1, kind: 'command', summary: 'make' } },
      { type: 'output', data: { step: 1, source: 'stdout', text: 'cc main.c\nlinking' } },
      {
        type: 'step-finished',
        data: { step: 1, kind: 'command', summary: 'exit 2', ok: false, durationMs: 1_500 },
      },
    );
    api.store.changeTask(id, { changed: true });
    api.store.endTask(id, 'failed');

    const [log, diff] = await Promise.all([
      api.send('getLogs', { params: { taskId: id } }),
      api.send('getDiff', { params: { taskId: id } }),
    ]);

    expect(log.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await log.text()).toBe(
      '[step 1: command] make\ncc main.c\nlinking\n[step 1: command] failed after 1.5 s: exit 2\n[failed]\n',
    );
    expect(diff.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await diff.text()).toBe('diff --git a b\n');
  });

  test('that was retried logs its current attempt only', async () => {
    const { id } = await api.call('submitTask', { body: aTask() });
    api.store.append(id, { type: 'output', data: { step: 1, source: 'stdout', text: 'old\n' } });
    api.store.endTask(id, 'failed');
    await api.call('retryTask', { params: { taskId: id } });
    api.store.append(id, { type: 'output', data: { step: 1, source: 'stdout', text: 'new\n' } });

    const log = await api.send('getLogs', { params: { taskId: id } });

    expect(await log.text()).toBe('new\n');
  });
});
