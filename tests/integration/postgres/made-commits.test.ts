// The commits of a task, as they have to be on record to be made again on another host.
import { createHash, randomUUID } from 'node:crypto';
import type { Actor, Fence, JournalEntry } from '../../../adapters/ports.ts';
import { createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
});

const diffStat = { files: 1, insertions: 1, deletions: 0 };
const aCommit = (text: string) => createHash('sha1').update(text).digest('hex');

/** A step that made a commit, and what it changed. */
function making(name: string, patch: string): JournalEntry {
  const at = new Date(world.clock.now());
  const commit = aCommit(name);
  const step = { step: 1, kind: 'tools', status: 'succeeded', summary: name } as const;
  const times = { startedAt: at, endedAt: at };
  return {
    steps: [{ ...step, ...times, effectId: name, commit, diffStat }],
    diff: { commit, patch, diffStat },
  };
}

const record = (fence: Fence, ...entries: readonly JournalEntry[]) =>
  entries.reduce<Promise<unknown>>(
    (before, entry) => before.then(() => world.journal.record(fence, entry)),
    Promise.resolve(),
  );

test('they are listed from the base to the head, each once, however often it is told or named', async () => {
  const fence = await world.aRunningTask(actor);
  const [one, two] = [making('one', 'first'), making('two', 'second')];
  const named = (two.steps ?? []).map((step) => ({ ...step, effectId: 'deliver' }));

  await record(fence, one, one, two, { steps: named });

  const commits = await world.journal.findCommits(fence.ref);
  expect(commits?.map(({ commit, effectId }) => [commit, effectId])).toEqual([
    [aCommit('one'), 'one'],
    [aCommit('two'), 'two'],
  ]);
  const patches = await Promise.all(
    (commits ?? []).map(({ patchSha256 }) => world.journal.findPatch(fence.ref, patchSha256)),
  );
  expect(patches).toEqual(['first', 'second']);
});

test('a task without commits has none; one with a commit of before they were kept is not answered for', async () => {
  const empty = await world.aRunningTask(actor);
  const old = await world.aRunningTask(actor);
  await record(old, making('one', 'first'), making('two', 'second'));
  const forget = 'update checkpoints set diff_sha256 = null where task_id = $1 and commit = $2';
  await world.asOwner((query) => query(forget, [old.ref.taskId, aCommit('one')]));

  await expect(world.journal.findCommits(empty.ref)).resolves.toEqual([]);
  await expect(world.journal.findCommits(old.ref)).resolves.toBeUndefined();
});

test('a patch that was cut is no patch, and nobody reads that of another tenant', async () => {
  const fence = await world.aRunningTask(actor);
  await record(fence, making('one', 'first'), making('long', '+line\n'.repeat(900_000)));
  const [one, long] = (await world.journal.findCommits(fence.ref)) ?? [];
  const foreign = {
    ...fence.ref,
    tenantId: (await world.aTenant()).tenantId,
    taskId: randomUUID(),
  };

  await expect(world.journal.findPatch(fence.ref, one?.patchSha256 ?? '')).resolves.toBe('first');
  await expect(
    world.journal.findPatch(fence.ref, long?.patchSha256 ?? ''),
  ).resolves.toBeUndefined();
  await expect(world.journal.findPatch(foreign, one?.patchSha256 ?? '')).resolves.toBeUndefined();
});

test('the host that made the last commit is known, and the one that has made them again', async () => {
  const fence = await world.aRunningTask(actor);
  const { ref } = fence;
  const hostOf = async () => (await world.journal.begin(ref)).task.worker;

  await record(fence, { ...making('one', 'first'), host: 'another' });
  const after = await hostOf();
  await world.journal.recordRebuilt(ref, 'a third');

  expect([after, await hostOf()]).toEqual(['another', 'a third']);
});
