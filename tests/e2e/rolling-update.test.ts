// Every process is replaced while a batch runs, as a rolling update does it: a new one first, then the old one is told
// to stop.
//   - with time enough, no command is run twice; without, it is handed over; either way nothing is lost or made twice
//   - a worker that was told to stop is not ready from then on, and takes no new work
//   - no request fails that goes where a load balancer believes an API to be ready
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSharedAdo, until } from '../support/ado-platform.ts';
import type { Ado, AdoProcess, Variables } from '../support/ado-platform.ts';
import { makeRepositories } from '../support/repositories.ts';
import { batchOutcome, unharmed } from '../faults/batch-outcome.ts';

jest.setTimeout(300_000);

const folder = mkdtempSync(join(tmpdir(), 'ado-test-rolling-'));
/** A worker's place, as a pod has it: a name and a disk of its own. */
function aPlace(name: string, graceMs: number): Variables {
  return {
    ADO_HOST_ID: name,
    ADO_HOME: join(folder, name),
    ADO_SHUTDOWN_GRACE_MS: String(graceMs),
  };
}

let ado: Ado;
/** The workers that nobody told to stop. */
let serving: AdoProcess[];
let places = 0;
beforeAll(async () => {
  ado = await startSharedAdo({
    apis: 2,
    workers: [aPlace('first-0', 60_000), aPlace('first-1', 60_000)],
    env: { ADO_ALLOW_UNSANDBOXED: 'true', ADO_API_DRAIN_MS: '3000' },
  });
  serving = [...ado.workers];
});
afterAll(async () => {
  await ado.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A batch whose every run of a command leaves a line in a file. */
async function startBatch(name: string, { items, seconds }: { items: number; seconds: number }) {
  const runs = join(folder, name);
  writeFileSync(runs, '');
  const repositories = makeRepositories(items);
  const { id } = await ado.submitBatch({
    prompt: name,
    agent: 'command',
    exec: `pwd >> ${runs}; sleep ${seconds}; echo x > x`,
    sandbox: 'none',
    parallel: 10,
    items: repositories.map((repository) => ({ repository })),
  });
  return {
    id,
    repositories,
    countRuns: () => readFileSync(runs, 'utf8').split('\n').length - 1,
  };
}

/** Starts a new worker, waits until it is ready, and only then stops the oldest. */
async function replaceOldest(graceMs: number): Promise<void> {
  places += 1;
  serving.push(await ado.addWorker(aPlace(`next-${places}`, graceMs)));
  await serving.shift()?.stop();
}

/** Follows a batch to its end, and does each thing once so many items have ended. */
async function followDoing(
  id: string,
  plan: readonly (readonly [ended: number, () => Promise<unknown>])[],
): Promise<void> {
  let ended = 0;
  let done = 0;
  for await (const event of ado.follow(id, 240_000)) {
    if (event.type === 'item-ended') ended += 1;
    const next = plan[done];
    if (next === undefined || ended < next[0]) continue;
    done += 1;
    await next[1]();
  }
  expect(done).toBe(plan.length);
}

/**
 * Calls whatever a load balancer believes to be ready, until it is told to end; answers what failed. The balancer learns
 * every 200 ms who is ready.
 */
function callReadyApis(): () => Promise<{ readonly calls: number; readonly failed: string[] }> {
  const ready = new Set<AdoProcess>(ado.apis);
  const failed: string[] = [];
  let calls = 0;
  let isOver = false;
  const probe = async (): Promise<void> => {
    while (!isOver) {
      for (const api of ado.apis) {
        if (await isReady(api)) ready.add(api);
        else ready.delete(api);
      }
      await delay(200);
    }
  };
  const call = async (): Promise<void> => {
    while (!isOver) {
      const all = [...ready];
      const api = all[calls % all.length];
      calls += 1;
      if (api === undefined) failed.push('nobody is ready');
      else failed.push(...(await listTasks(api)));
      await delay(5);
    }
  };
  const running = Promise.all([probe(), call(), call(), call()]);
  return async () => {
    isOver = true;
    await running;
    return { calls, failed };
  };
}

async function listTasks(api: AdoProcess): Promise<string[]> {
  const headers = { authorization: `Bearer ${ado.apiKey}` };
  try {
    const response = await fetch(`${api.url}/v1/tasks?limit=5`, { headers });
    const body = await response.text();
    return response.ok ? [] : [`${response.status} ${body}`];
  } catch (error) {
    return [error instanceof Error ? `${error.message}: ${String(error.cause)}` : String(error)];
  }
}

async function isReady({ url }: AdoProcess): Promise<boolean> {
  return fetch(`${url}/health/ready`).then(
    async (response) => (await response.text()) !== '' && response.ok,
    () => false,
  );
}

test('with time enough nothing is lost, and nothing is run, started or made twice', async () => {
  const [firstApi, secondApi] = ado.apis;
  const batch = await startBatch('Patiently', { items: 60, seconds: 1 });
  const endCalls = callReadyApis();

  await followDoing(batch.id, [
    [5, () => replaceOldest(60_000)],
    [15, async () => firstApi?.restart()],
    [25, () => replaceOldest(60_000)],
    [35, async () => secondApi?.restart()],
  ]);
  const { calls, failed } = await endCalls();

  expect(await batchOutcome(ado, batch.id, batch.repositories)).toEqual(unharmed);
  expect(batch.countRuns()).toBe(60);
  expect(failed).toEqual([]);
  expect(calls).toBeGreaterThan(200);
});

test('a worker that is told to stop says so, takes nothing new, and ends what it has', async () => {
  const gate = join(folder, 'gate');
  writeFileSync(gate, 'hold');
  const worker = await ado.addWorker(aPlace('leaving', 60_000));
  for (const other of serving) await other.stop();
  const body = {
    prompt: 'Hold',
    agent: 'command' as const,
    exec: `until grep -q go ${gate}; do sleep 0.05; done; echo x > x`,
    sandbox: 'none' as const,
  };
  const [first = '', second = ''] = makeRepositories(2);
  const held = await ado.submitTask({ ...body, repository: first });
  await until(
    'it is at work',
    async () => (await ado.getTask(held.id)).status === 'running',
    60_000,
  );

  process.kill(worker.pid() ?? 0, 'SIGTERM');
  await until('it is not ready', async () => {
    const response = await fetch(`${worker.internalUrl}/health/ready`);
    return response.status === 503;
  });
  const { items } = await ado.client.call('get /v1/workers', {});
  const later = await ado.submitTask({ ...body, repository: second });
  const successor = await ado.addWorker(aPlace('staying', 200));
  await until(
    'the other has the new one',
    async () => (await ado.getTask(later.id)).status === 'running',
    60_000,
  );
  appendFileSync(gate, 'go');
  const ends = await Promise.all([ado.ended(held.id), ado.ended(later.id)]);
  await until('it has ended', () => worker.pid() === undefined, 30_000);
  serving = [successor];

  expect(items).toMatchObject([{ hostId: 'leaving', state: 'stopping' }]);
  expect(ends.flat().filter(({ type }) => type === 'task-started')).toHaveLength(2);
  expect((await ado.getTask(held.id)).status).toBe('succeeded');
  expect((await ado.getTask(later.id)).status).toBe('succeeded');
  expect(worker.log()).toContain('"msg":"worker-stopped"');
});

test('with too little time the work is handed over, and still nothing is lost or made twice', async () => {
  const leaving = [
    await ado.addWorker(aPlace('hurried-0', 200)),
    await ado.addWorker(aPlace('hurried-1', 200)),
  ];
  const batch = await startBatch('Hurriedly', { items: 20, seconds: 3 });

  await followDoing(batch.id, [
    [2, async () => leaving[0]?.stop()],
    [8, async () => leaving[1]?.stop()],
  ]);

  expect(await batchOutcome(ado, batch.id, batch.repositories)).toEqual(unharmed);
  // Some were at work when their worker was told to stop.
  expect(batch.countRuns()).toBeGreaterThan(20);
});
