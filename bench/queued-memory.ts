/**
 * What do 10,000 queued items cost in memory? Resident memory of a new API and a new worker (with their helper
 * processes), a while after a small batch and again a while after a batch of 10,000 items of which one at a time runs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { followEvents } from '../cli/follow.ts';
import { readMemory } from './support/processes.ts';
import { atMost, round, told, type Answer, type Bench, type Question } from './support/question.ts';
import { createRepositories } from './support/repositories.ts';
import type { Ado } from './support/platform.ts';

const items = 10_000;
const repositoryCount = 100;
/** Time in which the processes give back what they needed for a moment only: V8 does so in steps of 8 s. */
const settleMs = 25_000;

/** The question. */
export const queuedMemory: Question = {
  name: 'queued-memory',
  title: `Memory with ${items} queued items`,
  ask: async ({ platform: { ado } }: Bench): Promise<Answer> => {
    const repositories = createRepositories(repositoryCount);
    try {
      await Promise.all([ado.api.restart(), ado.worker.restart()]);
      await follow(ado, (await submit(ado, repositories.paths, { count: 100, exec: 'true' })).id);
      await sleep(settleMs);
      const before = memoryOf(ado);
      const began = performance.now();
      const { id } = await submit(ado, repositories.paths, { count: items, exec: 'sleep 600' });
      const submitMs = performance.now() - began;
      await sleep(settleMs);
      const after = memoryOf(ado);
      await ado.client.call('post /v1/batches/:batchId/cancel', {
        params: { batchId: id },
        body: {},
      });
      await follow(ado, id);
      const growth = after.api + after.worker - before.api - before.worker;
      return {
        figures: [
          atMost('memory of API and worker grows by', growth, { limit: 50, unit: ' MB' }),
          told(`submit of ${items} items`, `${round(submitMs / 1_000)} s`),
        ],
        notes: [
          `API ${round(before.api)} → ${round(after.api)} MB, worker ${round(before.worker)} → ${round(after.worker)} MB.`,
        ],
      };
    } finally {
      repositories.remove();
    }
  },
};

async function submit(
  { client }: Ado,
  paths: readonly string[],
  { count, exec }: { readonly count: number; readonly exec: string },
) {
  const list = Array.from({ length: count }, (_, index) => ({
    repository: paths[index % paths.length] ?? '',
    variables: { number: String(index) },
  }));
  const body = {
    prompt: `${count} items`,
    agent: 'command',
    exec,
    parallel: 1,
    items: list,
  } as const;
  return client.call('post /v1/batches', {
    body: count === items ? body : { ...body, parallel: 20 },
  });
}

/** Waits for the end of a batch. */
async function follow({ client: api }: Ado, id: string): Promise<void> {
  const signal = AbortSignal.timeout(120_000);
  const stream = { api, id, after: 0, follow: true, signal, onConnection: () => undefined };
  const events = followEvents(stream);
  while ((await events.next()).done !== true) signal.throwIfAborted();
}

function memoryOf({ api, worker }: Ado): { readonly api: number; readonly worker: number } {
  return { api: readMemory(api.pid() ?? 0), worker: readMemory(worker.pid() ?? 0) };
}
