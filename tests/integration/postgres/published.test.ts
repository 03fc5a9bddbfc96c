// What is told of an attempt's work beside the work itself, and where kept work was published.
import { randomUUID } from 'node:crypto';
import type { Actor, StepEntry } from '../../../adapters/ports.ts';
import {
  aCommit,
  anotherCommit,
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

function aStep(
  kind: StepEntry['kind'],
  summary: string,
  change: Partial<StepEntry> = {},
): StepEntry {
  const at = new Date(world.clock.now());
  const effectId = randomUUID();
  const status = 'succeeded';
  return { step: 2, kind, effectId, status, summary, startedAt: at, endedAt: at, ...change };
}

test('the gates that passed are told once each, and what all come to; not how the base went', async () => {
  const fence = await world.aRunningTask(actor);
  const steps = [
    aStep('gate', 'lint', { gate: 'lint' }),
    aStep('gate', 'test', { gate: 'test', status: 'failed' }),
    aStep('gate-base', 'test on the base commit: failed, 1 finding', { gate: 'test' }),
    aStep('gate', 'lint', { gate: 'lint' }),
    aStep('gate', 'test', { gate: 'test' }),
    aStep('checks', 'checks: lint passed, test passed; score 100 of 100'),
  ];
  await world.journal.record(fence, { steps });
  await world.journal.finish(fence, { outcome: 'succeeded', summary: 'It greets.' });

  const facts = await world.journal.readFacts(fence.ref);

  expect(facts).toEqual({
    costMicroUsd: 0,
    passedGates: ['lint', 'test', 'checks: lint passed, test passed; score 100 of 100'],
    summary: 'It greets.',
  });
});

test('where work was published is told once for each place, after the end too', async () => {
  const fence = await world.aRunningTask(actor);
  const { ref } = fence;
  await world.journal.finish(fence, { outcome: 'failed', commit: aCommit });
  const place = { branch: 'ado/x', commit: aCommit };
  const request = { ...place, pullRequestUrl: 'https://host.example/pull/1' };

  for (const published of [place, place, request, request, place])
    await world.journal.recordPublished(ref, published);

  const events = await world.eventsOf(actor, ref.taskId);
  const told = events.filter(({ type }) => type === 'branch-delivered').map(({ data }) => data);
  expect(told).toEqual([place, request]);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  await expect(world.store.getTask(actor, ref.taskId)).resolves.toMatchObject({
    ...{ status: 'failed', pullRequestUrl: request.pullRequestUrl },
  });
});

test('work counts as published from the delivery of its head on, not of an earlier one', async () => {
  const fence = await world.aRunningTask(actor);
  const { ref } = fence;
  const isPublished = async () => (await world.store.getTask(actor, ref.taskId)).published;
  const aDiff = (commit: string) => ({
    diff: { commit, patch: 'x', diffStat: { files: 1, insertions: 1, deletions: 0 } },
  });

  const before = await isPublished();
  await world.journal.record(fence, aDiff(aCommit));
  const committed = await isPublished();
  // As a merge is told: the target's commit is not the work's.
  const merged = { branch: 'main', commit: anotherCommit };
  await world.journal.record(fence, { events: [{ type: 'branch-delivered', data: merged }] });
  const delivered = await isPublished();
  await world.journal.record(fence, aDiff(anotherCommit));
  await world.journal.finish(fence, { outcome: 'succeeded', commit: anotherCommit });
  const moved = await isPublished();
  await world.journal.recordPublished(ref, { branch: 'ado/x', commit: anotherCommit });

  expect([before, committed, delivered, moved]).toEqual([undefined, false, true, false]);
  await expect(isPublished()).resolves.toBe(true);
  const ended = (await world.eventsOf(actor, ref.taskId)).find(({ type }) => type === 'task-ended');
  expect(ended?.data).toMatchObject({ published: false });
});

test('what another attempt has published is not told of this one', async () => {
  const fence = await world.aRunningTask(actor);
  await world.journal.finish(fence, { outcome: 'failed', commit: aCommit });
  await world.store.retryTask(actor, fence.ref.taskId);

  await expect(
    world.journal.recordPublished(fence.ref, { branch: 'ado/x', commit: anotherCommit }),
  ).rejects.toMatchObject({ code: 'SUPERSEDED' });
});
