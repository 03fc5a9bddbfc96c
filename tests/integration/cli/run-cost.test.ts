// What `ado run` says and asks about money, against a server:
//   - flags say how far spending is confirmed; without a terminal nothing is asked
//   - on a terminal dear work is asked about before it is sent
//   - work that a budget ended exits with 7 and says what was spent of what
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFlags } from '../../../cli/dev/checkout.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { endTask, playBatch } from './fake-runs.ts';
import { makePlace, readLines, runAdo, startAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
  for (const name of ['a', 'b']) mkdirSync(join(place.cwd, name, '.git'), { recursive: true });
  api.onAccepted = (id) => endTask(api, id, { outcome: 'succeeded' });
});

afterEach(() => api.stop());

const words = ['run', 'x', '--repo', 'a', '--model', 'm:m'];
const submitted = () =>
  api.seen.filter(({ route }) => route === 'submitTask').map(({ body }) => body);

test('--yes confirms the whole limit, --confirm-above so much; else the request says nothing', async () => {
  await runAdo(place, [...words, '--yes', '--max-cost', '3']);
  await runAdo(place, [...words, '--confirm-above', '2.50']);
  await runAdo(place, [...words, '--max-cost', '3']);
  const both = await runAdo(place, [...words, '--yes', '--confirm-above', '2.50']);

  expect(submitted()).toEqual([
    expect.objectContaining({ maxCostMicroUsd: 3_000_000, confirmAboveCostMicroUsd: 3_000_000 }),
    expect.objectContaining({ confirmAboveCostMicroUsd: 2_500_000 }),
    expect.not.objectContaining({ confirmAboveCostMicroUsd: expect.anything() as unknown }),
  ]);
  expect(api.seen.map(({ route }) => route)).not.toContain('planBatch');
  expect(both.code).toBe(2);
});

/** `script` of util-linux gives a program a terminal. */
const hasScript = spawnSync('script', ['--version']).status === 0;
(hasScript ? test : test.skip)(
  'on a terminal dear work is sent after a yes, and not without',
  async () => {
    api.answers.planBatch = () => ({
      ...{ items: [], toRun: 1, skipped: 0, parallel: 1 },
      estimate: {
        lowMicroUsd: 1,
        highMicroUsd: 2_000_000,
        worstMicroUsd: 2_000_000,
        basedOnTasks: 0,
      },
    });
    const main = join(import.meta.dirname, '..', '..', '..', 'cli', 'main.ts');
    const line = [process.execPath, ...nodeFlags(), main, ...words]
      .map((word) => `'${word}'`)
      .join(' ');
    const answer = async (text: string): Promise<{ said: string; code: number | null }> => {
      const child = spawn('script', ['-qec', line, '/dev/null'], {
        cwd: place.cwd,
        env: place.env,
      });
      let said = '';
      let isAnswered = false;
      child.stdout.setEncoding('utf8').on('data', (more: string) => {
        said += more;
        if (isAnswered || !said.includes('[y/N]')) return;
        isAnswered = true;
        child.stdin.write(`${text}\n`);
      });
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      return { said, code };
    };

    const no = await answer('n');
    expect([no.code, submitted()]).toEqual([7, []]);
    expect(no.said).toContain('This may cost up to about $2.00. Go on?');
    expect(no.said).toContain('Nothing was sent.');
    const yes = await answer('y');
    expect(yes.code).toBe(0);
    expect(submitted()).toMatchObject([{ confirmAboveCostMicroUsd: 10_000_000 }]);
  },
);

test('a task that its budget ended exits with 7 and says what was spent of what', async () => {
  api.onAccepted = (id) => {
    api.changeTask(id, { costMicroUsd: 2_990_000, errorCode: 'BUDGET_EXCEEDED' });
    endTask(api, id, { outcome: 'failed', failureClass: 'agent', error: 'no room' });
  };

  const text = await runAdo(place, [...words, '--max-cost', '3']);
  const lines = await runAdo(place, [...words, '--max-cost', '3', '-o', 'jsonl']);

  expect([text.code, lines.code]).toEqual([7, 7]);
  expect(text.stdout).toContain('$2.99 of $3.00');
  expect(readLines(lines.stdout).at(-1)).toMatchObject({
    ...{ type: 'result', exitCode: 7, costMicroUsd: 2_990_000, maxCostMicroUsd: 3_000_000 },
  });
});

test('a batch exits with 7 when budgets ended all items that failed, with 3 when one failed otherwise', async () => {
  const batch = ['run', 'x', '--repo', 'a', '--repo', 'b', '--model', 'm:m', '--max-cost', '3'];
  const ended = { outcome: 'failed', failureClass: 'agent' } as const;
  const playWith = (ends: Parameters<typeof playBatch>[2], byBudget: readonly string[]) => {
    api.onAccepted = (id) => {
      for (const { id: item, repository } of api.itemsOf(id)) {
        const isByBudget = byBudget.some((name) => repository.endsWith(name));
        if (isByBudget) api.changeTask(item, { errorCode: 'BUDGET_EXCEEDED' });
      }
      playBatch(api, id, ends);
    };
  };

  playWith({ a: ended, b: ended }, ['/a', '/b']);
  const all = await startAdo(place, batch).end;
  playWith({ a: ended }, ['/a']);
  const one = await startAdo(place, batch).end;
  playWith({ a: ended, b: ended }, ['/a']);
  const mixed = await startAdo(place, batch).end;

  expect([all.code, one.code, mixed.code]).toEqual([7, 7, 3]);
  expect(all.stdout).toContain('$0.00 of $3.00');
});
