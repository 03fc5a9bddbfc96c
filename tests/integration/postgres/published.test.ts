// What is told of an attempt's work beside the work itself, and where kept work was published.
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

function aGate(name: string, status: StepEntry['status'], serial: number): StepEntry {
  const at = new Date(world.clock.now());
  const effectId = `gate ${name} ${String(serial)}`;
  return { step: 2, kind: 'gate', effectId, status, summary: name, startedAt: at, endedAt: at };
}

test('the gates that passed are told once each, in the order in which they ran', async () => {
  const fence = await world.aRunningTask(actor);
  const steps = [
    aGate('lint', 'succeeded', 1),
    aGate('test', 'failed', 1),
    aGate('lint', 'succeeded', 2),
    aGate('test', 'succeeded', 2),
  ];
  await world.journal.record(fence, { steps });
  await world.journal.finish(fence, { outcome: 'succeeded', summary: 'It greets.' });

  const facts = await world.journal.readFacts(fence.ref);

  expect(facts).toEqual({ costMicroUsd: 0, passedGates: ['lint', 'test'], summary: 'It greets.' });
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

test('what another attempt has published is not told of this one', async () => {
  const fence = await world.aRunningTask(actor);
  await world.journal.finish(fence, { outcome: 'failed', commit: aCommit });
  await world.store.retryTask(actor, fence.ref.taskId);

  await expect(
    world.journal.recordPublished(fence.ref, { branch: 'ado/x', commit: anotherCommit }),
  ).rejects.toMatchObject({ code: 'SUPERSEDED' });
});
