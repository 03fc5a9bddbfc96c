// The commands over accepted work, against a server:
//   - lists, single things, logs and diffs come in every form asked for
//   - logs can be cut and taken up again at an event
//   - a lock printed by `plan` is the target list of a later `run`
//   - an exported folder fits its schemas, may be repeated, and refuses what is not its own
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { submitBatchSchema } from '../../../contracts/batch.schema.ts';
import { submitTaskSchema } from '../../../contracts/task.schema.ts';
import type { Task } from '../../../contracts/task.schema.ts';
import {
  batchFileSchema,
  costFileSchema,
  itemFileSchema,
  itemsHeading,
} from '../../../cli/export-schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { aBatch, aTask } from '../../support/fake-work.ts';
import { beginTask, endTask, playBatch, writeOutput } from './fake-runs.ts';
import { makePlace, readLines, runAdo, startAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
});

afterEach(() => api.stop());

function addTask(change: Partial<Task> = {}): Task {
  const request = submitTaskSchema.parse({
    prompt: 'Fix it',
    repository: '/r/app',
    agent: 'command',
    exec: 'true',
  });
  const task = { ...aTask(request), ...change };
  api.tasks.set(task.id, task);
  return task;
}

function addBatch(repositories: readonly string[]): string {
  const items = repositories.map((repository) => ({
    repository,
    variables: { library: 'left-pad, 2' },
  }));
  const request = submitBatchSchema.parse({
    prompt: 'Bump',
    agent: 'command',
    exec: 'true',
    gates: [{ name: 'test', command: 'true' }],
    items,
  });
  const batch = aBatch(request);
  api.batches.set(batch.id, batch);
  request.items.forEach(({ repository, variables }, itemIndex) => {
    addTask({
      prompt: 'Bump',
      repository,
      variables,
      batchId: batch.id,
      itemIndex,
      gates: request.gates,
    });
  });
  return batch.id;
}

describe('ps', () => {
  it('lists batches and the tasks outside them; items with a filter', async () => {
    const batchId = addBatch(['/r/a', '/r/b']);
    const task = addTask({ status: 'failed', outcome: 'failed', failureClass: 'gate' });

    const all = await runAdo(place, ['ps', '-o', 'name']);
    const queued = await runAdo(place, ['ps', '--status', 'queued', '-o', 'json']);
    const text = await runAdo(place, ['ps']);

    expect(all.stdout.trim().split('\n').sort()).toEqual([batchId, task.id].sort());
    expect(
      (JSON.parse(queued.stdout) as { items: Task[] }).items.map((item) => item.batchId),
    ).toEqual([batchId, batchId]);
    expect(text.stdout).toMatch(/failed +r\/app/);
  });
});

describe('show', () => {
  it('finds a task by the end of its id, in text, JSON and YAML', async () => {
    const task = addTask();

    const text = await runAdo(place, ['show', task.id.slice(-8)]);
    const json = await runAdo(place, ['status', task.id, '--json']);
    const yaml = await runAdo(place, ['show', task.id, '-o', 'yaml']);

    expect(text.stdout).toContain(`task        ${task.id}`);
    expect(JSON.parse(json.stdout)).toMatchObject({ id: task.id });
    expect(yaml.stdout).toContain(`id: ${task.id}`);
  });

  it('exits with 5 for an unknown id and with 2 for what is none', async () => {
    const unknown = await runAdo(place, ['show', 'abcdef12']);
    const none = await runAdo(place, ['show', 'xyz']);

    expect(unknown.code).toBe(5);
    expect(unknown.stderr).toContain('[TASK_NOT_FOUND]');
    expect(none.code).toBe(2);
  });
});

describe('logs', () => {
  it('are the text as it was written; -f goes on to the end over a broken connection', async () => {
    const task = addTask({ status: 'running' });
    api.logs.set(task.id, 'one\n\u001b[31mtwo\u001b[0m');

    const whole = await runAdo(place, ['logs', task.id]);
    beginTask(api, task.id);
    const call = startAdo(place, ['logs', '-f', task.id]);
    writeOutput(api, task.id, 'first\n');
    await call.says(/first/);
    api.dropConnections();
    writeOutput(api, task.id, 'second\n');
    endTask(api, task.id, { outcome: 'succeeded' });

    const followed = await call.end;
    expect(whole.stdout).toBe('one\n\u001b[31mtwo\u001b[0m');
    expect(followed).toMatchObject({ code: 0, stdout: 'first\nsecond\n' });
  });

  it('cut at any event and taken up again give every event once', async () => {
    const task = addTask({ status: 'running' });
    for (const text of ['a', 'b', 'c', 'd']) writeOutput(api, task.id, text);

    const first = readLines((await runAdo(place, ['logs', task.id, '-o', 'jsonl'])).stdout).slice(
      0,
      2,
    );
    const rest = readLines(
      (
        await runAdo(place, [
          'logs',
          task.id,
          '-o',
          'jsonl',
          '--after',
          String(first.at(-1)?.['seq']),
        ])
      ).stdout,
    );

    expect([...first, ...rest].map((event) => event['seq'])).toEqual([1, 2, 3, 4]);
  });
});

it('diff is the patch byte for byte in a pipe', async () => {
  const task = addTask();
  api.diffs.set(task.id, 'diff --git a/x b/x\n-old\r\n+new\n');

  const { stdout } = await runAdo(place, ['diff', task.id]);

  expect(stdout).toBe('diff --git a/x b/x\n-old\r\n+new\n');
});

it('cancel and batch set reach the server', async () => {
  const task = addTask();
  const batchId = addBatch(['/r/a']);

  await runAdo(place, ['cancel', task.id, '--reason', 'wrong']);
  const set = await runAdo(place, ['batch', 'set', batchId, '--parallel', '5']);

  expect(api.seen.find((request) => request.route === 'cancelTask')?.body).toEqual({
    reason: 'wrong',
  });
  expect(api.batches.get(batchId)?.parallel).toBe(5);
  expect(set.stderr).toContain('5 at once');
});

it('batch retry --wait shows only what is new and ends with the new outcome', async () => {
  const batchId = addBatch(['/r/a', '/r/b']);
  playBatch(api, batchId, { b: { outcome: 'failed', failureClass: 'infra' } });
  api.onAccepted = (id) => {
    for (const item of api.itemsOf(id)) api.changeTask(item.id, { outcome: undefined });
    playBatch(api, id);
  };

  const { code, stdout } = await runAdo(place, [
    'batch',
    'retry',
    batchId,
    '--only',
    'infra',
    '--wait',
    '-o',
    'jsonl',
  ]);

  const lines = readLines(stdout);
  const before = 6;
  expect(code).toBe(0);
  expect(api.seen.find((request) => request.route === 'retryBatch')?.body).toEqual({
    only: ['infra'],
  });
  expect(lines[1]).toMatchObject({ seq: before + 1 });
  expect(lines.at(-1)).toMatchObject({ type: 'result', exitCode: 0, round: 2 });
});

describe('plan', () => {
  it('prints targets, skips and the estimate, and asks for nothing else', async () => {
    writeFileSync(
      join(place.cwd, 'list.csv'),
      'repository,library\n/r/a,left-pad\n/r/b,right-pad\n',
    );

    const { code, stdout } = await runAdo(place, [
      'plan',
      'Bump {{library}}',
      '--repos',
      'list.csv',
      '--exclude',
      'b',
      '--model',
      'scripted:/m',
      '--prompts',
    ]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/r\/a +a{12} +run +Bump left-pad/);
    expect(stdout).toMatch(/r\/b +a{12} +skip: optout/);
    expect(stdout).toContain('1 item would run, 1 skipped');
    expect(stdout).toContain('The work has to pass: what the repository has (standard).');
    expect(new Set(api.seen.map((request) => request.route))).toEqual(new Set(['planBatch']));
  });

  it('draws the same sample for the same seed', async () => {
    writeFileSync(
      join(place.cwd, 'list.txt'),
      Array.from({ length: 30 }, (_, index) => `/r/repo-${index}\n`).join(''),
    );
    const draw = async (seed: string): Promise<string> =>
      (
        await runAdo(place, [
          'plan',
          'x',
          '--repos',
          'list.txt',
          '--exec',
          'true',
          '--sample',
          '5',
          '--seed',
          seed,
          '-o',
          'name',
        ])
      ).stdout;

    const [first, again, other] = [await draw('1'), await draw('1'), await draw('2')];

    expect(first.trim().split('\n')).toHaveLength(5);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it('prints a lock that run takes as it stands', async () => {
    writeFileSync(
      join(place.cwd, 'list.csv'),
      'repo,library,prompt\n/r/a,"left, pad",Own words\n/r/b,right-pad,\n',
    );
    api.onAccepted = (id) => playBatch(api, id);
    const work = ['Bump', '--exec', 'true'];

    const lock = await runAdo(place, [
      'plan',
      ...work,
      '--repos',
      'list.csv',
      '--exclude',
      'b',
      '-o',
      'csv',
    ]);
    writeFileSync(join(place.cwd, 'lock.csv'), lock.stdout);
    const { code } = await runAdo(place, ['run', ...work, '--repos', 'lock.csv']);

    expect(code).toBe(0);
    expect(api.seen.find((request) => request.route === 'submitBatch')?.body).toMatchObject({
      items: [
        {
          repository: '/r/a',
          baseCommit: 'a'.repeat(40),
          prompt: 'Own words',
          variables: { library: 'left, pad' },
        },
        {
          repository: '/r/b',
          baseCommit: 'a'.repeat(40),
          variables: { library: 'right-pad' },
          skip: 'optout',
        },
      ],
    });
  });
});

describe('batch export', () => {
  const read = (...path: readonly string[]): string =>
    readFileSync(join(place.cwd, 'out', ...path), 'utf8');

  it('writes a folder that fits its schemas, and may be repeated', async () => {
    const batchId = addBatch(['/r/a', '/r/b', 'https://h/r/a.git']);
    const [task] = api.itemsOf(batchId);
    if (task === undefined) throw new Error('The batch has items.');
    api.diffs.set(task.id, 'diff\n');
    const at = new Date().toISOString();
    const gate = {
      attempt: 1,
      step: 2,
      kind: 'gate',
      gate: 'test',
      status: 'succeeded',
      summary: 'test',
      costMicroUsd: 0,
      startedAt: at,
      endedAt: at,
    } as const;
    api.steps.set(task.id, [gate]);
    api.messages.set(task.id, [{ seq: 1, role: 'user', content: 'Bump', at }]);
    api.emit(task.id, { type: 'step-started', data: { step: 2, kind: 'gate', summary: 'test' } });
    api.emit(task.id, { type: 'output', data: { step: 2, source: 'gate', text: '1 passed\n' } });
    playBatch(api, batchId, { b: { outcome: 'failed', failureClass: 'gate' } });

    const first = await runAdo(place, ['batch', 'export', batchId, 'out']);
    const again = await runAdo(place, ['batch', 'export', batchId, 'out']);

    expect([first.code, again.code]).toEqual([0, 0]);
    const batch = batchFileSchema.parse(JSON.parse(read('batch.json')));
    expect(batch.items.map((item) => item.folder)).toEqual(['r__a', 'r__b', 'r__a__2']);
    expect(readdirSync(join(place.cwd, 'out')).sort()).toEqual([
      'batch.json',
      'items',
      'items.csv',
      'lock.csv',
    ]);
    expect(itemFileSchema.parse(JSON.parse(read('items', 'r__b', 'item.json')))).toMatchObject({
      failureClass: 'gate',
    });
    costFileSchema.parse(JSON.parse(read('items', 'r__a', 'cost.json')));
    expect(read('items', 'r__a', 'diff.patch')).toBe('diff\n');
    expect(read('items', 'r__a', 'gates', 'test.log')).toContain('1 passed');
    expect(readLines(read('items', 'r__a', 'transcript.jsonl'))).toMatchObject([{ role: 'user' }]);
    const rows = parse(read('items.csv'), { columns: true }) as unknown as Record<string, string>[];
    expect(Object.keys(rows[0] ?? {})).toEqual([...itemsHeading]);
    expect(rows.map((row) => row['outcome'])).toEqual(['succeeded', 'failed', 'succeeded']);
    expect(read('lock.csv')).toContain('"left-pad, 2"');
  });

  it('refuses a folder that holds something else, or another batch', async () => {
    const one = addBatch(['/r/a']);
    const other = addBatch(['/r/a']);
    mkdirSync(join(place.cwd, 'mine'));
    writeFileSync(join(place.cwd, 'mine', 'thesis.txt'), 'precious');

    const foreign = await runAdo(place, ['batch', 'export', one, 'mine']);
    await runAdo(place, ['batch', 'export', one, 'out']);
    const mixed = await runAdo(place, ['batch', 'export', other, 'out']);

    expect(foreign.code).toBe(6);
    expect(foreign.stderr).toContain('[TARGET_EXISTS]');
    expect(existsSync(join(place.cwd, 'mine', 'items'))).toBe(false);
    expect(mixed.code).toBe(6);
  });
});
