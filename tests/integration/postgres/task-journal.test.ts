// What an activity writes is written once, by the one that may.
//   - a later activity attempt shuts out the earlier one
//   - a repeated entry adds nothing: no step, message, cost or event
//   - an attempt ends once; a cancel requested before wins
import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type {
  Actor,
  JournalEntry,
  StepEntry,
  TaskEnding,
  UsageEntry,
} from '../../../adapters/ports.ts';
import {
  aCommit,
  anotherCommit,
  aTask,
  createPostgresWorld,
  type PostgresWorld,
} from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
});

function aStep(changes: Partial<StepEntry> = {}): StepEntry {
  const startedAt = new Date(world.clock.now());
  const endedAt = new Date(world.clock.now() + 1_500);
  return {
    step: 1,
    kind: 'command',
    effectId: 'effect-1',
    status: 'succeeded',
    summary: 'done',
    startedAt,
    endedAt,
    ...changes,
  };
}

function aUsage(changes: Partial<UsageEntry> = {}): UsageEntry {
  return {
    effectId: 'call-1',
    provider: 'scripted',
    model: 'one',
    requestId: undefined,
    inputTokens: 100,
    outputTokens: 20,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    costMicroUsd: 700,
    ...changes,
  };
}

const output = { type: 'output', data: { step: 1, source: 'stdout', text: 'hello\n' } } as const;

test('beginning answers the request and where the attempt is', async () => {
  const task = aTask({ prompt: 'do it', variables: { a: '1' } });
  await world.store.createTask(actor, task, undefined);

  const { task: record } = await world.journal.begin({
    tenantId: actor.tenantId,
    taskId: task.id,
    attempt: 1,
  });

  expect(record).toMatchObject({
    prompt: 'do it',
    variables: { a: '1' },
    gates: task.gates,
    headCommit: task.baseCommit,
    diffStat: { files: 0, insertions: 0, deletions: 0 },
    costMicroUsd: 0,
    cancelRequested: false,
    result: undefined,
    batchParallel: undefined,
  });
});

test('a later activity attempt shuts out the earlier one', async () => {
  const early = await world.aRunningTask(actor);
  const { fence: late } = await world.journal.begin(early.ref);
  const superseded = { code: 'SUPERSEDED' };

  await expect(world.journal.record(early, { events: [output] })).rejects.toMatchObject(superseded);
  await expect(world.journal.finish(early, { outcome: 'succeeded' })).rejects.toMatchObject(
    superseded,
  );
  await expect(world.journal.markRunning(early, 'worker-1')).rejects.toMatchObject(superseded);

  await world.journal.record(late, { events: [output] });
  expect(await world.eventTypes(actor, early.ref.taskId)).toEqual([
    'task-queued',
    'task-started',
    'output',
  ]);
});

test('of many who begin at once, exactly one may write', async () => {
  const { ref } = await world.aRunningTask(actor);
  const begun = await Promise.all(Array.from({ length: 20 }, () => world.journal.begin(ref)));

  const written = await Promise.allSettled(
    begun.map(({ fence }) => world.journal.record(fence, { events: [output] })),
  );

  expect(new Set(begun.map(({ fence }) => fence.number)).size).toBe(20);
  expect(written.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('marking running twice starts once', async () => {
  const fence = await world.aRunningTask(actor);

  await world.journal.markRunning(fence, 'worker-1');

  expect(await world.eventTypes(actor, fence.ref.taskId)).toEqual(['task-queued', 'task-started']);
});

test('a task cancelled while it waited does not start', async () => {
  const task = await world.store.createTask(actor, aTask(), undefined);
  const { fence } = await world.journal.begin({
    tenantId: actor.tenantId,
    taskId: task.id,
    attempt: 1,
  });
  await world.store.cancelTask(actor, task.id, undefined);

  await expect(world.journal.markRunning(fence, 'worker-1')).rejects.toMatchObject({
    code: 'TASK_CANCELLED',
  });
});

test('an entry that is repeated adds nothing', async () => {
  const fence = await world.aRunningTask(actor);
  const entry: JournalEntry = {
    steps: [aStep({ commit: aCommit, diffStat: { files: 1, insertions: 2, deletions: 0 } })],
    messages: [{ key: 'm-1', message: { role: 'user', content: [{ type: 'text', text: 'hi' }] } }],
    usage: aUsage(),
    events: [output],
  };
  await world.journal.record(fence, entry);
  const { fence: again } = await world.journal.begin(fence.ref);

  await world.journal.record(again, entry);

  const task = await world.store.getTask(actor, fence.ref.taskId);
  expect(task).toMatchObject({
    steps: 1,
    costMicroUsd: 700,
    inputTokens: 100,
    outputTokens: 20,
    commit: aCommit,
  });
  expect(await world.journal.listMessages(fence.ref)).toHaveLength(1);
  expect(await world.eventTypes(actor, fence.ref.taskId)).toEqual([
    'task-queued',
    'task-started',
    'output',
  ]);
  const checkpoints = await world.database.inTenant(actor.tenantId, ({ db }) =>
    db.selectFrom('checkpoints').select(['commit', 'step', 'message_seq']).execute(),
  );
  expect(checkpoints).toEqual([{ commit: aCommit, step: 1, message_seq: 1 }]);
});

test('a late repetition of a step does not move the branch back', async () => {
  const fence = await world.aRunningTask(actor);
  const first: JournalEntry = {
    steps: [aStep({ commit: aCommit })],
    diff: { patch: 'one', commit: aCommit, diffStat: { files: 1, insertions: 1, deletions: 0 } },
  };
  await world.journal.record(fence, first);
  await world.journal.record(fence, {
    steps: [aStep({ step: 2, effectId: 'effect-2', commit: anotherCommit })],
    diff: {
      patch: 'two',
      commit: anotherCommit,
      diffStat: { files: 2, insertions: 2, deletions: 0 },
    },
  });

  await world.journal.record(fence, first);

  expect(await world.store.getDiff(actor, fence.ref.taskId)).toBe('two');
  const { task } = await world.journal.begin(fence.ref);
  expect(task).toMatchObject({ headCommit: anotherCommit, diffStat: { files: 2 } });
});

test('a step is found by its effect, as it was recorded', async () => {
  const fence = await world.aRunningTask(actor);
  const step = aStep({
    exitCode: 1,
    status: 'failed',
    findings: [{ tool: 'tests', message: 'no' }],
    costMicroUsd: 5,
  });
  await world.journal.record(fence, { steps: [step] });

  expect(await world.journal.findStep(fence.ref, 'effect-1')).toEqual(step);
  expect(await world.journal.findStep(fence.ref, 'effect-2')).toBeUndefined();
  expect(await world.journal.findStep({ ...fence.ref, attempt: 2 }, 'effect-1')).toBeUndefined();
});

test('a transcript comes back as it was written, NUL and lone surrogates too', async () => {
  const fence = await world.aRunningTask(actor);
  const message: LanguageModelV4Message = {
    role: 'user',
    content: [{ type: 'text', text: 'a\0b \ud800 "\\u0000"' }],
  };

  await world.journal.record(fence, { messages: [{ key: 'm-1', message }], activity: 'reads\0' });

  expect(await world.journal.listMessages(fence.ref)).toEqual([{ key: 'm-1', message }]);
  expect((await world.store.getTask(actor, fence.ref.taskId)).activity).toBe('reads\uFFFD');
});

test('what a task waits for is shown, and gone when it is over', async () => {
  const fence = await world.aRunningTask(actor);
  const until = new Date(world.clock.now() + 60_000);

  await world.journal.record(fence, { waitingFor: { reason: 'retry', until } });
  const waiting = await world.store.getTask(actor, fence.ref.taskId);
  await world.journal.record(fence, { waitingFor: null });
  const going = await world.store.getTask(actor, fence.ref.taskId);

  expect(waiting.waitingFor).toEqual({ reason: 'retry', until: until.toISOString() });
  expect(going.waitingFor).toBeUndefined();
});

test('a patch over 5 MB is cut after a whole line, and says so', async () => {
  const fence = await world.aRunningTask(actor);
  const patch = `${'+ä'.repeat(500)}\n`.repeat(6_000);

  await world.journal.record(fence, {
    diff: { patch, commit: aCommit, diffStat: { files: 1, insertions: 6_000, deletions: 0 } },
  });

  const kept = await world.store.getDiff(actor, fence.ref.taskId);
  const lines = kept.trimEnd().split('\n');
  expect(Buffer.byteLength(kept)).toBeLessThan(5_000_200);
  expect(lines.at(-1)).toMatch(/^# cut by ado: the patch has \d+ bytes/);
  expect(new Set(lines.slice(0, -1))).toEqual(new Set(['+ä'.repeat(500)]));
});

test('equal patches of a tenant are kept once', async () => {
  const diff = {
    patch: 'the same',
    commit: aCommit,
    diffStat: { files: 1, insertions: 1, deletions: 0 },
  };
  await Promise.all(
    [1, 2, 3].map(async () => world.journal.record(await world.aRunningTask(actor), { diff })),
  );

  const blobs = await world.database.inTenant(actor.tenantId, ({ db }) =>
    db.selectFrom('blobs').select('content').execute(),
  );

  expect(blobs).toEqual([{ content: 'the same' }]);
});

test('ending answers the first result, whoever asks and whatever it wants', async () => {
  const fence = await world.aRunningTask(actor);
  const first = await world.journal.finish(fence, {
    outcome: 'failed',
    failureClass: 'gate',
    reason: 'tests',
    errorCode: 'GATE_FAILED',
    error: 'red',
  });

  const second = await world.journal.finish(fence, { outcome: 'succeeded' }, { events: [output] });
  const { task } = await world.journal.begin(fence.ref);

  expect(first).toMatchObject({
    status: 'failed',
    outcome: 'failed',
    failureClass: 'gate',
    errorCode: 'GATE_FAILED',
  });
  expect(second).toEqual(first);
  expect(task.result).toEqual(first);
  expect(await world.eventTypes(actor, fence.ref.taskId)).toEqual([
    'task-queued',
    'task-started',
    'task-ended',
  ]);
});

test('of many endings at once, one is written', async () => {
  const fence = await world.aRunningTask(actor);
  const endings: TaskEnding[] = Array.from({ length: 10 }, (_, index) => ({
    outcome: 'failed',
    error: String(index),
  }));

  const results = await Promise.all(endings.map((ending) => world.journal.finish(fence, ending)));

  expect(new Set(results.map((result) => result.error)).size).toBe(1);
  expect(
    (await world.eventTypes(actor, fence.ref.taskId)).filter((type) => type === 'task-ended'),
  ).toHaveLength(1);
});

test('a cancel requested before wins over any other ending', async () => {
  const fence = await world.aRunningTask(actor);
  await world.store.cancelTask(actor, fence.ref.taskId, 'not needed');

  const result = await world.journal.finish(fence, { outcome: 'succeeded', commit: aCommit });

  expect(result).toMatchObject({
    status: 'cancelled',
    outcome: 'cancelled',
    errorCode: 'TASK_CANCELLED',
    commit: aCommit,
  });
  const task = await world.store.getTask(actor, fence.ref.taskId);
  expect(task).toMatchObject({ status: 'cancelled', reason: 'user', cancelRequested: true });
});

test('the last entry is written with the end', async () => {
  const fence = await world.aRunningTask(actor);

  await world.journal.finish(
    fence,
    { outcome: 'succeeded', commit: aCommit, changed: true, summary: 'renamed' },
    { steps: [aStep({ kind: 'deliver' })], events: [output] },
  );

  expect(await world.eventTypes(actor, fence.ref.taskId)).toEqual([
    'task-queued',
    'task-started',
    'output',
    'task-ended',
  ]);
  expect(await world.store.getTask(actor, fence.ref.taskId)).toMatchObject({
    steps: 1,
    changed: true,
    summary: 'renamed',
    commit: aCommit,
  });
});

test('nothing is recorded after the end', async () => {
  const fence = await world.aRunningTask(actor);
  await world.journal.finish(fence, { outcome: 'succeeded' });

  await expect(world.journal.record(fence, { events: [output] })).rejects.toMatchObject({
    code: 'SUPERSEDED',
  });
});

test('an attempt that was retried is superseded, and told to stop', async () => {
  const fence = await world.aRunningTask(actor);
  await world.journal.finish(fence, { outcome: 'failed', failureClass: 'infra' });
  await world.store.retryTask(actor, fence.ref.taskId);

  await expect(world.journal.begin(fence.ref)).rejects.toMatchObject({ code: 'SUPERSEDED' });
  await expect(world.journal.finish(fence, { outcome: 'succeeded' })).rejects.toMatchObject({
    code: 'SUPERSEDED',
  });
  expect(await world.journal.isCancelRequested(fence.ref)).toBe(true);
});

test('a worker hears of a cancel', async () => {
  const fence = await world.aRunningTask(actor);
  const before = await world.journal.isCancelRequested(fence.ref);

  await world.store.cancelTask(actor, fence.ref.taskId, undefined);

  expect(before).toBe(false);
  expect(await world.journal.isCancelRequested(fence.ref)).toBe(true);
});
