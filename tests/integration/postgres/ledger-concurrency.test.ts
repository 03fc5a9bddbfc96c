// Many callers, several connections, the same budgets.
//   - no budget ever holds and has paid more than its limit: PostgreSQL checks it at every change here
//   - nobody waits in a circle, and every entry is balanced, whatever is repeated, given up or answered late
//   - a batch's money is shared by the call: all of it is usable, and who only has to wait is not turned away
//   - what the ledger has paid is what the usage records cost, to the micro-dollar
import { stdout } from 'node:process';
import fc from 'fast-check';
import { createLedger } from '../../../adapters/postgres/ledger.ts';
import { createDatabase, type Database } from '../../../adapters/postgres/tenant-transaction.ts';
import type { Actor, BudgetSpec, Ledger, ReserveRequest } from '../../../adapters/ports.ts';
import { readBooks } from './books.ts';
import { aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let databases: readonly Database[];
let ledgers: readonly Ledger[];
beforeAll(async () => {
  world = await createPostgresWorld({ poolSize: 20 });
  // As three workers have them.
  databases = [1, 2, 3].map(() => createDatabase(world.url, 8));
  ledgers = databases.map((database) => createLedger(database));
  await world.asOwner((query) =>
    query(`alter table budgets add constraint within_the_limit
      check (reserved_micro_usd + spent_micro_usd + unknown_micro_usd <= limit_micro_usd)`),
  );
});
afterAll(async () => {
  for (const database of databases) await database.close();
  await world.close();
});

function ledgerOf(caller: number): Ledger {
  return ledgers[caller % ledgers.length] ?? world.ledger;
}

async function aTaskOf(actor: Actor): Promise<string> {
  return (await world.store.createTask(actor, aTask(), undefined)).id;
}

type Ending = 'settled' | 'released' | 'unknown' | 'left' | 'unknown, then settled';

/** One purchase: what is held for it, how much of that it costs, and how it ends. */
interface Purchase {
  readonly task: number;
  readonly amountMicroUsd: number;
  readonly usedPercent: number;
  readonly ending: Ending;
  /** Whether each call to the ledger is made twice, the second time at once. */
  readonly repeated: boolean;
}

const purchases: fc.Arbitrary<Purchase> = fc.record({
  task: fc.nat(3),
  amountMicroUsd: fc.oneof(fc.nat(200), fc.nat(2_000)),
  usedPercent: fc.nat(100),
  ending: fc.constantFrom<Ending[]>(
    'settled',
    'settled',
    'settled',
    'released',
    'unknown',
    'left',
    'unknown, then settled',
  ),
  repeated: fc.boolean(),
});

test('no budget is ever overdrawn, and the books always balance', async () => {
  const figures = { runs: 0, granted: 0, held: 0, exceeded: 0, entries: 0, fullest: 0 };

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(purchases, { minLength: 1, maxLength: 8 }), {
        minLength: 12,
        maxLength: 24,
      }),
      fc.integer({ min: 1_000, max: 12_000 }),
      async (callers, limitMicroUsd) => {
        const actor = await world.aTenant();
        const taskId = await aTaskOf(actor);
        const paid: number[] = [];

        async function buy(caller: number, callId: string, purchase: Purchase): Promise<void> {
          const ledger = ledgerOf(caller);
          const twice = async <T>(call: () => Promise<T>): Promise<T> => {
            const [first] = await Promise.all([call(), ...(purchase.repeated ? [call()] : [])]);
            return first;
          };
          const { amountMicroUsd } = purchase;
          const request: ReserveRequest = {
            callId,
            taskId,
            amountMicroUsd,
            budgets: [
              { kind: 'day', timeZone: 'UTC', limitMicroUsd },
              { kind: 'tenant', limitMicroUsd: 2 * limitMicroUsd },
              { kind: 'batch', id: 'b', limitMicroUsd: limitMicroUsd - 100 },
              { kind: 'task', id: String(purchase.task), limitMicroUsd: 2_500 },
            ],
          };
          const answer = await twice(() => ledger.reserve(actor.tenantId, request));
          if (!answer.granted) {
            if (answer.reason === 'ended') throw new Error('ended before it began');
            figures[answer.reason] += 1;
            return;
          }
          figures.granted += 1;
          const costMicroUsd = Math.floor((amountMicroUsd * purchase.usedPercent) / 100);
          const settle = () => ledger.settle(actor.tenantId, callId, costMicroUsd);
          switch (purchase.ending) {
            case 'settled':
              await twice(settle);
              break;
            case 'released':
              await twice(() => ledger.release(actor.tenantId, callId));
              break;
            case 'unknown':
              await twice(() => ledger.markUnknown(actor.tenantId, callId));
              break;
            case 'unknown, then settled':
              await twice(() => ledger.markUnknown(actor.tenantId, callId));
              await twice(settle);
              break;
            case 'left':
              return;
          }
          if (purchase.ending.endsWith('settled')) paid.push(costMicroUsd);
        }

        await Promise.all(
          callers.map(async (list, caller) => {
            for (const [index, purchase] of list.entries())
              await buy(caller, `${caller}.${index}`, purchase);
          }),
        );

        const books = await readBooks(world, actor);
        expect(books).toMatchObject({ unbalanced: 0, deviating: [] });
        const total = paid.reduce((sum, cost) => sum + cost, 0);
        expect(books.accounts['spent:tenant'] ?? 0).toBe(total);
        const gone = -(books.accounts['budget:batch:b'] ?? 0);
        expect(gone).toBeLessThanOrEqual(limitMicroUsd - 100);
        figures.runs += 1;
        figures.entries += books.entries;
        figures.fullest = Math.max(figures.fullest, gone / (limitMicroUsd - 100));
      },
    ),
    // Smaller examples of a race are not clearer ones.
    { numRuns: 8, endOnFailure: true },
  );

  stdout.write(
    `ledger: ${figures.runs} runs, ${figures.granted} reservations, ${figures.held} held off, ` +
      `${figures.exceeded} refused, ${figures.entries} entries balanced, fullest budget ` +
      `${(figures.fullest * 100).toFixed(1)} %, 0 over its limit\n`,
  );
}, 180_000);

test('a dollar that 20 children share is never exceeded, none starves, and all of it is usable', async () => {
  const actor = await world.aTenant();
  const taskId = await aTaskOf(actor);
  const dollar: BudgetSpec = { kind: 'batch', id: 'shared', limitMicroUsd: 1_000_000 };
  let settled = Promise.withResolvers<undefined>();
  let waits = 0;

  /** Buys calls of one child until it has `count` or the money is gone; answers how many. */
  async function work(
    child: number,
    { name, count, estimateMicroUsd }: { name: string; count: number; estimateMicroUsd: number },
  ): Promise<number> {
    const ledger = ledgerOf(child);
    const budgets: BudgetSpec[] = [
      dollar,
      { kind: 'task', id: String(child), limitMicroUsd: 10_000_000 },
    ];
    for (let bought = 0; bought < count;) {
      const next = settled.promise;
      const callId = `${name} ${child}.${bought}`;
      const request = { callId, taskId, amountMicroUsd: estimateMicroUsd, budgets };
      const answer = await ledger.reserve(actor.tenantId, request);
      if (answer.granted) {
        await ledger.settle(actor.tenantId, callId, 10_000);
        bought += 1;
        settled.resolve(undefined);
        settled = Promise.withResolvers();
      } else if (answer.reason === 'held') {
        waits += 1;
        await next;
      } else {
        return bought;
      }
    }
    return count;
  }
  const children = Array.from({ length: 20 }, (_, child) => child);

  // Twice the dollar is asked for at once, ten times what the calls cost.
  const first = await Promise.all(
    children.map((child) => work(child, { name: 'first', count: 4, estimateMicroUsd: 100_000 })),
  );
  const rest = await Promise.all(
    children.map((child) => work(child, { name: 'rest', count: 99, estimateMicroUsd: 10_000 })),
  );

  expect(first).toEqual(children.map(() => 4));
  expect(rest.reduce((sum, bought) => sum + bought, 0)).toBe(20);
  const [state] = await world.ledger.listBudgets(actor.tenantId, [dollar]);
  expect(state).toMatchObject({ spentMicroUsd: 1_000_000, reservedMicroUsd: 0, level: 'stop' });
  expect(await readBooks(world, actor)).toMatchObject({ unbalanced: 0, deviating: [] });
  stdout.write(`ledger: $1 over 20 children: 100 calls, ${waits} waits, $0 left, $0 over\n`);
});

test('the ledger has paid what the usage records cost', async () => {
  const actor = await world.aTenant();
  const day: BudgetSpec = { kind: 'day', timeZone: 'UTC', limitMicroUsd: 100_000_000 };
  const random = fc.sample(fc.integer({ min: 0, max: 99_999 }), { numRuns: 100, seed: 4 });

  await Promise.all(
    Array.from({ length: 10 }, async (_, child) => {
      const fence = await world.aRunningTask(actor);
      const { taskId } = fence.ref;
      const own: BudgetSpec = { kind: 'task', id: taskId, limitMicroUsd: 10_000_000 };
      for (const [call, costMicroUsd] of random.slice(child * 10, child * 10 + 10).entries()) {
        const callId = `${taskId}.${call}`;
        const budgets = [own, day];
        const request = { callId, taskId, amountMicroUsd: 100_000, budgets };
        await ledgerOf(child).reserve(actor.tenantId, request);
        const usage = {
          effectId: `effect-${call}`,
          provider: 'scripted',
          model: 'one',
          requestId: undefined,
          inputTokens: 1,
          outputTokens: 1,
          cacheReadTokens: 0,
          cacheWriteTokens: 0,
          reasoningTokens: 0,
          costMicroUsd,
          callId,
        };
        await world.journal.record(fence, { usage });
        await world.journal.record(fence, { usage });
      }
    }),
  );

  const { rows, tasks } = await world.database.inTenant(actor.tenantId, async ({ db }) => ({
    rows: await db.selectFrom('usage_records').select('cost_micro_usd').execute(),
    tasks: await db.selectFrom('tasks').select('cost_micro_usd').execute(),
  }));
  const sumOf = (list: readonly { cost_micro_usd: number }[]): number =>
    list.reduce((sum, row) => sum + row.cost_micro_usd, 0);
  const { accounts } = await readBooks(world, actor);
  const paidFrom = (kind: string): number =>
    Object.entries(accounts)
      .filter(([name]) => name.startsWith(`spent:${kind}:`))
      .reduce((sum, [, amount]) => sum + amount, 0);
  expect(sumOf(rows)).toBe(random.reduce((sum, cost) => sum + cost, 0));
  expect(sumOf(tasks)).toBe(sumOf(rows));
  expect([paidFrom('task'), paidFrom('day')]).toEqual([sumOf(rows), sumOf(rows)]);
});
