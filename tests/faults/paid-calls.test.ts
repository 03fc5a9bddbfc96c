// What a provider was paid, and what the books say, while workers die: F01 over a vendor's wire.
//   - every answer that was recorded is booked once, with the tokens and the cost of the provider's own log
//   - every answer that was lost with its worker is held as `unknown`, and bought again once
//   - the accounts of every budget add up to its purchases
//   - F37: an answer that a gateway gives again, to a worker that had lost it, is one record
import { setTimeout as delay } from 'node:timers/promises';
import type { Ado } from '../support/ado-platform.ts';
import { makeRepositories } from '../support/repositories.ts';
import { batchOutcome, unharmed } from './batch-outcome.ts';
import { openProvider, vendors, workOf } from './emulated-provider.ts';
import { openFaultWorld, queryAdo, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';
import { chargeFor, compareBooks, exactBooks, faultsOf } from './provider-books.ts';

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(async () => world.stop());

/** Kills a worker that is chosen at random, again and again, until `isOver`. Answers how often. */
async function killAtRandom(ado: Ado, times: number, isOver: () => boolean): Promise<number> {
  let kills = 0;
  while (kills < times) {
    await delay(3_000 + Math.random() * 4_000);
    if (isOver()) break;
    await ado.workers[Math.floor(Math.random() * ado.workers.length)]?.kill9();
    kills += 1;
  }
  return kills;
}

test('F01: 20 tasks of 50 calls, workers killed at random: the books are the log of the provider', async () => {
  // Each answer takes a moment, so that kills meet calls under way.
  const script = workOf(50, { faults: [{ firstTokenMs: 250 }] });
  const { emulator, env, lines } = await openProvider(script, [{ name: 'paid' }]);
  const crash = 'llm.afterResponse.beforeLedger=kill9*2,llm.afterLedger.beforeReturn=kill9*1';
  const settings = { ...env, ADO_CRASHPOINTS: crash };
  await world.withAdo({ workers: [{}, {}], env: settings }, async (ado) => {
    const repositories = makeRepositories(20);
    const { id } = await ado.submitBatch({
      prompt: 'Work',
      agent: 'builtin',
      model: 'paid:claude-sonnet-4-5',
      parallel: 20,
      maxCostMicroUsd: 20_000_000,
      items: repositories.map((repository) => ({ repository })),
    });
    let isOver = false;
    const killing = killAtRandom(ado, 5, () => isOver);
    await ado.ended(id, 250_000);
    isOver = true;
    const kills = await killing;

    const outcome = await batchOutcome(ado, id, repositories);
    const items = await ado.listItems(id);
    const taskIds = items.map((item) => item.id);
    const books = await compareBooks(world, await lines(), taskIds);
    const shown = items.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0);
    const { costMicroUsd } = await ado.getBatch(id);
    report('F01', { of: 'workers killed', count: kills, atLeast: 4 }, { ...books, ...outcome });
    expect(faultsOf(books)).toEqual(exactBooks);
    expect(books.unheard).toBeGreaterThanOrEqual(4);
    expect(books.records).toBe(20 * 50);
    expect(shown).toBe(costMicroUsd);
    expect(outcome).toEqual(unharmed);
  });
  await emulator.close();
}, 280_000);

test('F01: workers that die one after another before a call is sent leave no money held', async () => {
  const { emulator, env, lines } = await openProvider(workOf(2), [{ name: 'unsent' }]);
  const settings = { ...env, ADO_CRASHPOINTS: 'llm.afterReserve.beforeSend=kill9*3' };
  await world.withAdo({ env: settings }, async (ado) => {
    const [repository = ''] = makeRepositories(1);
    const model = `unsent:${vendors.anthropic.model}`;
    const { id } = await ado.submitTask({ prompt: 'Work', agent: 'builtin', model, repository });
    await ado.ended(id, 120_000);

    const { status } = await ado.getTask(id);
    const books = await compareBooks(world, await lines(), [id]);
    const crashes = ado.crashes('llm.afterReserve.beforeSend');
    report('F01', { of: 'workers killed', count: crashes, atLeast: 3 }, { ...books });
    expect({ status, unknown: books.unknown }).toEqual({ status: 'succeeded', unknown: 3 });
    expect(faultsOf(books)).toEqual(exactBooks);
  });
  await emulator.close();
}, 150_000);

test('F37: an answer that a gateway gives twice is one record, and was billed once', async () => {
  const script = workOf(3, { faults: [{ when: { turn: 1, calls: [2] }, duplicate: true }] });
  const gateway = await openProvider(script, [{ name: 'gateway' }]);
  const env = { ...gateway.env, ADO_CRASHPOINTS: 'llm.afterResponse.beforeLedger=kill9*1' };
  await world.withAdo({ env }, async (ado) => {
    const [repository = ''] = makeRepositories(1);
    const work = {
      prompt: 'Work',
      agent: 'builtin',
      model: `gateway:${vendors.anthropic.model}`,
    } as const;
    const { id } = await ado.submitTask({ ...work, repository });
    await ado.ended(id, 90_000);

    const task = await ado.getTask(id);
    const lines = await gateway.lines();
    const repeated = lines.filter(({ duplicateOf }) => duplicateOf !== undefined);
    const rows = await queryAdo<{ cost: string }>(
      world,
      'select cost_micro_usd as cost from usage_records where task_id = $1 and request_id = $2',
      [id, repeated[0]?.duplicateOf],
    );
    const billed = lines.reduce((sum, line) => sum + chargeFor(line.model, line.billed), 0);
    report(
      'F37',
      { of: 'answers given twice', count: repeated.length, atLeast: 1 },
      { records: rows.length, billed, booked: task.costMicroUsd },
    );
    expect(task.status).toBe('succeeded');
    expect(rows).toHaveLength(1);
    expect(task.costMicroUsd).toBe(billed);
  });
  await gateway.emulator.close();
}, 150_000);
