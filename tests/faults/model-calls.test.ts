// Money and poison: what a worker's death does to model calls.
//   F01  killed while a provider answers, and around the ledger's entry: nothing lost, every step booked once, and a
//        call that is on record never made again
//   F41  a task whose work kills its workers is given up as the cause; the others of its batch are none the worse
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/ado-platform.ts';
import { makeRepositories } from '../support/repositories.ts';
import { batchOutcome, unharmed } from './batch-outcome.ts';
import { openFaultWorld, queryAdo, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(async () => world.stop());

/** What the provider saw of one call. */
interface ProviderLine {
  readonly repository: string;
  readonly turn: number;
  readonly what: 'asked' | 'answered';
  readonly at: number;
}

/** A provider that takes one to two seconds, writes down what it was asked, and charges 4,500 micro-dollars a call. */
function scriptedProvider(): { readonly model: string; readonly log: () => ProviderLine[] } {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-provider-'));
  const logFile = join(folder, 'provider.jsonl');
  writeFileSync(logFile, '');
  writeFileSync(
    join(folder, 'provider.mjs'),
    `import { appendFileSync } from 'node:fs';
    import { setTimeout as delay } from 'node:timers/promises';
    export const price = { inputMicroUsd: 3_000_000, outputMicroUsd: 15_000_000 };
    const usage = { inputTokens: 1000, outputTokens: 100 };
    export default async function ({ turn, prompt }) {
      const write = (what) => appendFileSync(${JSON.stringify(logFile)},
        JSON.stringify({ repository: prompt, turn, what, at: Date.now() }) + '\\n');
      write('asked');
      await delay(1000 + (prompt.charCodeAt(prompt.length - 1) % 10) * 100);
      write('answered');
      if (turn > 1) return { text: 'Done.', usage };
      const input = { path: 'DONE.md', content: 'done' };
      return { toolCalls: [{ tool: 'write_file', input }], usage };
    }`,
  );
  const log = (): ProviderLine[] =>
    readFileSync(logFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ProviderLine);
  return { model: `scripted:${join(folder, 'provider.mjs')}`, log };
}

/** Calls that were asked and never answered: their worker died while the provider held the reply. */
function cutOff(log: readonly ProviderLine[]): number {
  const asked = log.filter(({ what }) => what === 'asked').length;
  return 2 * asked - log.length;
}

/** When each step of each repository was booked, in order, and what it cost. */
async function readLedger(
  batchId: string,
): Promise<{ repository: string; at: number; cost: number }[]> {
  const rows = await queryAdo<{ repository: string; at: Date; cost: string }>(
    world,
    `select repository, usage_records.at, usage_records.cost_micro_usd as cost from usage_records
     join tasks on tasks.id = task_id where batch_id = $1 order by usage_records.at`,
    [batchId],
  );
  return rows.map(({ repository, at, cost }) => ({
    repository,
    at: at.getTime(),
    cost: Number(cost),
  }));
}

test('F01: model calls whose worker dies are made again unless they are on record, and booked once', async () => {
  const crash = 'llm.afterResponse.beforeLedger=kill9*2,llm.afterLedger.beforeReturn=kill9*2';
  await world.withAdo({ workers: [{}, {}], env: { ADO_CRASHPOINTS: crash } }, async (ado) => {
    const repositories = makeRepositories(12);
    const provider = scriptedProvider();

    const { id } = await ado.submitBatch({
      prompt: '{{repository}}',
      agent: 'builtin',
      model: provider.model,
      parallel: 12,
      items: repositories.map((repository) => ({ repository })),
    });
    await until('the provider is asked', () => provider.log().length > 0, 30_000);
    for (const { kill9 } of ado.workers) await kill9();
    await ado.ended(id, 150_000);

    const outcome = await batchOutcome(ado, id, repositories);
    const [ledger, log] = [await readLedger(id), provider.log()];
    const booked = new Map(
      repositories.map((name) => [name, ledger.filter((row) => row.repository === name)]),
    );
    const boughtAgain = log.filter(({ what, repository, turn, at }) => {
      const record = booked.get(repository)?.[turn - 1];
      return what === 'asked' && record !== undefined && at > record.at;
    }).length;
    const delta = ledger.reduce((sum, { cost }) => sum + cost, 0) - 12 * 2 * 4_500;
    const { costMicroUsd } = await ado.getBatch(id);
    const crashes =
      ado.crashes('llm.afterResponse.beforeLedger') + ado.crashes('llm.afterLedger.beforeReturn');
    report(
      'F01',
      { of: 'calls cut off while the provider answered', count: cutOff(log), atLeast: 4 },
      {
        'crashes around the ledger': crashes,
        'bought again though on record': boughtAgain,
        'ledger delta (micro-dollars)': delta,
        'batch against ledger': costMicroUsd - 12 * 2 * 4_500,
        ...outcome,
      },
    );
    expect(crashes).toBe(4);
    expect(ledger).toHaveLength(24);
    expect({ boughtAgain, delta, costMicroUsd }).toEqual({
      boughtAgain: 0,
      delta: 0,
      costMicroUsd: 108_000,
    });
    expect(outcome).toEqual(unharmed);
  });
}, 240_000);

test('F41: a task that kills every worker which takes it is given up, and only that task', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-poison-'));
  const [poisoned = '', ...healthy] = makeRepositories(7);
  writeFileSync(
    join(folder, 'poison.mjs'),
    `import { setTimeout as delay } from 'node:timers/promises';
    export default async function ({ prompt }) {
      if (prompt !== ${JSON.stringify(poisoned)}) return { text: 'Done.' };
      await delay(500);
      process.kill(process.pid, 'SIGKILL');
    }`,
  );
  // Model calls have a process of their own, as in a cluster: what kills it concerns nothing but model calls.
  const pools = [{ ADO_POOLS: 'workflows,agents' }, { ADO_POOLS: 'models' }];
  await world.withAdo({ workers: pools }, async (ado) => {
    const { id } = await ado.submitBatch({
      prompt: '{{repository}}',
      agent: 'builtin',
      model: `scripted:${join(folder, 'poison.mjs')}`,
      parallel: 7,
      items: [poisoned, ...healthy].map((repository) => ({ repository })),
    });
    await ado.ended(id, 200_000);

    const [first, ...others] = await ado.listItems(id);
    const deaths = (ado.workers[1]?.log().split('"worker-ready"').length ?? 0) - 2;
    const succeeded = others.filter((task) => task.outcome === 'succeeded').length;
    report(
      'F41',
      { of: 'workers killed by the task', count: deaths, atLeast: 6 },
      {
        'given up as': first?.errorCode ?? 'nothing',
        'others that succeeded': succeeded,
      },
    );
    expect(first).toMatchObject({
      outcome: 'failed',
      errorCode: 'TASK_POISONED',
      failureClass: 'infra',
    });
    expect(succeeded).toBe(6);
  });
}, 260_000);
