// What a tenant's records say about accounts.
//   - a day begins where the budgets' time zone says
//   - what other tenants used, or scripted models did, is in no figure
//   - waiting tasks are counted together when they wait for the same thing, and not once they have ended
import { createAccountUsage } from '../../../adapters/postgres/used-accounts.ts';
import type { Actor, AccountUsage, JournalEntry } from '../../../adapters/ports.ts';
import { createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

const hourMs = 3_600_000;
/** A morning in Berlin, where the day is an hour old, and in UTC it began 23 hours ago. */
const nowMs = Date.UTC(2026, 0, 9, 0) - hourMs + hourMs / 2;

let world: PostgresWorld;
let usage: AccountUsage;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld();
  usage = createAccountUsage(world.database);
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
});

type Usage = NonNullable<JournalEntry['usage']>;

async function used(hoursAgo: number, of: Partial<Usage>, who = actor): Promise<void> {
  world.clock.nowMs = nowMs - hoursAgo * hourMs;
  const fence = await world.aRunningTask(who);
  await world.journal.record(fence, {
    usage: {
      effectId: 'one',
      provider: 'anthropic',
      model: 'sonnet',
      requestId: undefined,
      inputTokens: 1,
      outputTokens: 1,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      costMicroUsd: 100,
      account: 'work',
      ...of,
    },
  });
  world.clock.nowMs = nowMs;
}

test('today begins where the time zone says, and is of the tenant alone', async () => {
  await used(0, {});
  await used(2, { costMicroUsd: 40 });
  await used(2, { account: 'spare' });
  await used(26, { costMicroUsd: 7 });
  await used(0, { account: undefined, provider: 'scripted' });
  await used(0, {}, await world.aTenant());

  const inUtc = await usage.listUsedToday(actor.tenantId, 'UTC');
  const inBerlin = await usage.listUsedToday(actor.tenantId, 'Europe/Berlin');

  expect(inUtc).toHaveLength(2);
  expect(inUtc).toEqual(
    expect.arrayContaining([
      { account: 'work', calls: 2, costMicroUsd: 140 },
      { account: 'spare', calls: 1, costMicroUsd: 100 },
    ]),
  );
  expect(inBerlin).toEqual([{ account: 'work', calls: 1, costMicroUsd: 100 }]);
});

test('the models of a day are each told once', async () => {
  await used(0, {});
  await used(20, {});
  await used(20, { account: 'spare', model: 'gpt' });
  await used(25, { model: 'opus' });

  expect(await usage.listUsedModels(actor.tenantId)).toEqual([
    { account: 'spare', model: 'gpt' },
    { account: 'work', model: 'sonnet' },
  ]);
});

test('tasks that wait for the same thing are counted together, those that wait for another not at all', async () => {
  world.clock.nowMs = nowMs;
  const until = new Date(nowMs + hourMs);
  const wait = async (waitingFor: NonNullable<JournalEntry['waitingFor']>) => {
    const fence = await world.aRunningTask(actor);
    await world.journal.record(fence, { waitingFor });
    return fence;
  };
  await wait({ reason: 'limit', detail: 'work: requests a minute' });
  await wait({ reason: 'window', detail: 'work: total a day', until });
  await wait({ reason: 'window', detail: 'work: total a day', until: new Date(nowMs + 1) });
  await wait({ reason: 'slot' });
  await world.journal.finish(await wait({ reason: 'provider', detail: 'spare' }), {
    outcome: 'succeeded',
  });

  expect(await usage.listWaiting(actor.tenantId)).toEqual([
    {
      reason: 'window',
      detail: 'work: total a day',
      tasks: 2,
      until: new Date(nowMs + 1).toISOString(),
    },
    { reason: 'limit', detail: 'work: requests a minute', tasks: 1 },
  ]);
});
