// Money is held before a call, and is then paid, given back, or unknown.
//   - all budgets of a call have room for it, or none holds anything
//   - a movement happens once; a repetition changes nothing
//   - what was paid is booked in full, whatever was held for it
import { createLedger } from '../../../adapters/postgres/ledger.ts';
import { createDatabase } from '../../../adapters/postgres/tenant-transaction.ts';
import type { Actor, BudgetSpec } from '../../../adapters/ports.ts';
import { readBooks } from './books.ts';
import { ledgerCalls, taskBudget, tenantBudget } from './ledger-calls.ts';
import { aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
let taskId: string;
beforeAll(async () => {
  world = await createPostgresWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
  taskId = (await world.store.createTask(actor, aTask(), undefined)).id;
});

const { aRequest, reserve, settle, release, markUnknown, stateOf } = ledgerCalls(() => ({
  world,
  actor,
  taskId,
}));

/** Uses up part of the task's budget. */
async function spend(costMicroUsd: number, callId = `spent ${costMicroUsd}`) {
  await reserve({ callId, amountMicroUsd: costMicroUsd });
  return settle(callId, costMicroUsd);
}

describe('holding money', () => {
  test('makes the budgets, and holds in each of them', async () => {
    const answer = await reserve();

    expect(answer).toEqual({
      granted: true,
      repeated: false,
      amountMicroUsd: 100,
      budgets: [
        expect.objectContaining({ id: 'task:a', limitMicroUsd: 1_000, reservedMicroUsd: 100 }),
        expect.objectContaining({ id: 'tenant', limitMicroUsd: 10_000, reservedMicroUsd: 100 }),
      ],
    });
    expect((await readBooks(world, actor)).accounts).toEqual({
      'budget:task:a': -100,
      'reserved:task:a': 100,
      'budget:tenant': -100,
      'reserved:tenant': 100,
    });
  });

  test('again for the same call holds nothing more, and says so', async () => {
    await reserve();

    const again = await reserve({ amountMicroUsd: 999 });

    expect(again).toMatchObject({ granted: true, repeated: true, amountMicroUsd: 100 });
    expect(await stateOf(tenantBudget)).toMatchObject({ reservedMicroUsd: 100 });
  });

  test('for one call by many at once holds it once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => reserve()));

    expect(answers.filter((answer) => answer.granted && !answer.repeated)).toHaveLength(1);
    expect(await stateOf(tenantBudget)).toMatchObject({ reservedMicroUsd: 100 });
  });

  test('uses the limit up to the last micro-dollar, and not one more', async () => {
    await reserve({ callId: 'most', amountMicroUsd: 999 });

    expect(await reserve({ callId: 'too much', amountMicroUsd: 2 })).toMatchObject({
      granted: false,
    });
    expect(await reserve({ callId: 'rest', amountMicroUsd: 1 })).toMatchObject({ granted: true });
  });

  test('is refused as exceeded when the money is gone, and no budget keeps anything', async () => {
    await spend(950);
    const before = await readBooks(world, actor);

    const answer = await reserve({ amountMicroUsd: 51 });

    expect(answer).toMatchObject({
      granted: false,
      reason: 'exceeded',
      budget: { id: 'task:a', spentMicroUsd: 950, level: 'pause' },
    });
    expect(await readBooks(world, actor)).toEqual(before);
    expect(await stateOf(tenantBudget)).toMatchObject({ reservedMicroUsd: 0, spentMicroUsd: 950 });
  });

  test('is refused as held when it would fit once others need less, and then fits', async () => {
    await reserve({ callId: 'other', amountMicroUsd: 950 });

    const early = await reserve({ amountMicroUsd: 100 });
    await settle('other', 10);
    const late = await reserve({ amountMicroUsd: 100 });

    expect(early).toMatchObject({ granted: false, reason: 'held', budget: { id: 'task:a' } });
    expect(late).toMatchObject({ granted: true, repeated: false });
  });

  test('names the budget that will have no room before one that may', async () => {
    await reserve({ callId: 'other', amountMicroUsd: 950 });
    const small: BudgetSpec = { kind: 'batch', id: 'b', limitMicroUsd: 50 };

    const answer = await reserve({ budgets: [taskBudget, small] });

    expect(answer).toMatchObject({ reason: 'exceeded', budget: { id: 'batch:b' } });
  });

  test('with a limit of 0 is refused, and what is free of charge is not', async () => {
    const nothing: BudgetSpec = { kind: 'task', id: 'none', limitMicroUsd: 0 };

    expect(await reserve({ budgets: [nothing], amountMicroUsd: 1 })).toMatchObject({
      reason: 'exceeded',
    });
    expect(await reserve({ callId: 'free', budgets: [nothing], amountMicroUsd: 0 })).toMatchObject({
      granted: true,
    });
  });

  test.each([-1, 0.5])('of %p micro-dollars is an error, and nothing is held', async (amount) => {
    await expect(reserve({ amountMicroUsd: amount })).rejects.toThrow();

    expect((await readBooks(world, actor)).entries).toBe(0);
  });

  test('of one tenant is nothing to another', async () => {
    const other = await world.aTenant();
    await reserve();

    expect(await world.ledger.listReservations(other.tenantId, taskId)).toEqual([]);
    await expect(world.ledger.settle(other.tenantId, 'call-1', 5)).rejects.toThrow(
      'nothing was reserved',
    );
  });
});

describe('what becomes of held money', () => {
  test('a paid call costs what it cost; the rest is back', async () => {
    await reserve();

    const movement = await settle('call-1', 60);

    expect(movement).toMatchObject({ state: 'settled', moved: true });
    expect((await readBooks(world, actor)).accounts).toMatchObject({
      'budget:task:a': -60,
      'reserved:task:a': 0,
      'spent:task:a': 60,
    });
  });

  test('a call that bought nothing costs nothing', async () => {
    await reserve();

    expect(await release('call-1')).toMatchObject({ state: 'released', moved: true });

    expect(await stateOf(taskBudget)).toMatchObject({ reservedMicroUsd: 0, spentMicroUsd: 0 });
  });

  test('a call of which nobody knows stays gone', async () => {
    await reserve({ amountMicroUsd: 900 });

    const movement = await markUnknown('call-1');

    expect(movement.budgets[0]).toMatchObject({
      reservedMicroUsd: 0,
      unknownMicroUsd: 900,
      level: 'warn',
      reached: 'warn',
    });
    expect(await reserve({ callId: 'next', amountMicroUsd: 101 })).toMatchObject({
      reason: 'exceeded',
    });
  });

  test('an answer that turns up after all settles an unknown call', async () => {
    await reserve();
    await markUnknown('call-1');

    await settle('call-1', 70);

    expect(await stateOf(taskBudget)).toMatchObject({
      reservedMicroUsd: 0,
      unknownMicroUsd: 0,
      spentMicroUsd: 70,
    });
  });

  test('an answer that turns up after a release is booked all the same', async () => {
    await reserve();
    await release('call-1');

    await settle('call-1', 70);

    expect(await stateOf(taskBudget)).toMatchObject({ reservedMicroUsd: 0, spentMicroUsd: 70 });
  });

  test('a cost above what was held is booked in full, shows as debt, and the budget stops', async () => {
    await reserve({ amountMicroUsd: 900 });

    const movement = await settle('call-1', 1_250);

    expect(movement.budgets[0]).toMatchObject({
      id: 'task:a',
      spentMicroUsd: 1_250,
      limitMicroUsd: 1_000,
      level: 'stop',
      reached: 'stop',
    });
    expect(await reserve({ callId: 'next', amountMicroUsd: 0 })).toMatchObject({
      granted: false,
      reason: 'exceeded',
    });
  });

  type Move = () => Promise<unknown>;
  const moves: Record<string, Move> = {
    settle: () => settle('call-1', 60),
    release: () => release('call-1'),
    unknown: () => markUnknown('call-1'),
    reserve: () => reserve(),
  };
  const tooLate: [first: string, then: string, state: string][] = [
    ['settle', 'settle', 'settled'],
    ['settle', 'release', 'settled'],
    ['settle', 'unknown', 'settled'],
    ['settle', 'reserve', 'settled'],
    ['release', 'release', 'released'],
    ['release', 'unknown', 'released'],
    ['release', 'reserve', 'released'],
    ['unknown', 'release', 'unknown'],
    ['unknown', 'unknown', 'unknown'],
    ['unknown', 'reserve', 'unknown'],
  ];
  test.each(tooLate)('after %s, %s changes nothing', async (first, then, state) => {
    await reserve();
    await moves[first]?.();
    const before = await readBooks(world, actor);

    const answer = await moves[then]?.();

    expect(answer).toMatchObject(
      then === 'reserve' ? { granted: false, reason: 'ended', state } : { state, moved: false },
    );
    expect(await readBooks(world, actor)).toEqual(before);
  });

  test('a settlement that is repeated with another cost changes nothing', async () => {
    await reserve();
    await settle('call-1', 60);

    await Promise.all([settle('call-1', 90), settle('call-1', 90)]);

    expect(await stateOf(taskBudget)).toMatchObject({ spentMicroUsd: 60 });
  });
});

describe('the level of a budget', () => {
  test('is told once, by the movement that reaches it', async () => {
    const reached = [];
    for (const cost of [799, 1, 149, 1, 49, 1]) {
      const { budgets } = await spend(cost, `call ${reached.length}`);
      reached.push(budgets[0]?.reached);
    }

    expect(reached).toEqual([undefined, 'warn', undefined, 'pause', undefined, 'stop']);
  });

  test('does not count what is only held', async () => {
    await reserve({ amountMicroUsd: 1_000 });

    expect(await stateOf(taskBudget)).toMatchObject({ level: 'ok', reservedMicroUsd: 1_000 });
  });

  test('follows a new limit', async () => {
    await spend(960);

    const raised = await world.ledger.setLimit(actor.tenantId, {
      ...taskBudget,
      limitMicroUsd: 2_000,
    });

    expect(raised).toMatchObject({ level: 'ok', limitMicroUsd: 2_000, spentMicroUsd: 960 });
    // What a caller still believes of the limit does not matter.
    expect(await reserve({ amountMicroUsd: 1_000 })).toMatchObject({ granted: true });
  });
});

describe('a budget of the day', () => {
  const day: BudgetSpec = { kind: 'day', timeZone: 'Europe/Berlin', limitMicroUsd: 100 };
  afterEach(() => {
    world.clock.nowMs = Date.UTC(2026, 0, 1);
  });

  test('begins anew at midnight where it is kept, and settles where it was reserved', async () => {
    world.clock.nowMs = Date.UTC(2026, 6, 1, 21, 59);
    await reserve({ callId: 'evening', budgets: [day] });
    world.clock.nowMs = Date.UTC(2026, 6, 1, 22, 0);
    const night = await reserve({ callId: 'night', budgets: [day] });
    await settle('evening', 90);

    expect(night).toMatchObject({
      granted: true,
      budgets: [{ id: 'day:2026-07-02@Europe/Berlin' }],
    });
    expect((await readBooks(world, actor)).accounts).toMatchObject({
      'spent:day:2026-07-01@Europe/Berlin': 90,
      'reserved:day:2026-07-02@Europe/Berlin': 100,
    });
  });

  test('in an unknown time zone is an error, and nothing is held', async () => {
    await expect(reserve({ budgets: [{ ...day, timeZone: 'Europe/Atlantis' }] })).rejects.toThrow(
      'Europe/Atlantis',
    );
  });
});

test('a worker that dies after reserving leaves a reservation that the next one finds', async () => {
  const dying = createDatabase(world.url, 1);
  await createLedger(dying).reserve(actor.tenantId, aRequest());
  await dying.close();

  const left = await world.ledger.listReservations(actor.tenantId, taskId);
  await markUnknown('call-1');
  const resolved = await world.ledger.listReservations(actor.tenantId, taskId);

  expect(left).toMatchObject([{ callId: 'call-1', state: 'reserved', amountMicroUsd: 100 }]);
  expect(resolved).toMatchObject([{ callId: 'call-1', state: 'unknown' }]);
});
