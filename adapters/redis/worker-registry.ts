/** The WorkerRegistry port: what workers told, forgotten by Redis' own clock when they fall silent. */
import type { Redis } from 'ioredis';
import { workerSchema } from '../../contracts/fleet.schema.ts';
import type { WorkerRegistry } from '../ports.ts';
import { loadListScript, loadScript } from './script.ts';

const keys = ['ado:{workers}:until', 'ado:{workers}:told'] as const;

/** Makes a registry. */
export function createWorkerRegistry({
  redis,
  lifeMs = 15_000,
}: {
  readonly redis: Redis;
  /** How long a word counts: three of a worker's, which come every 5 s. Default 15 s. */
  readonly lifeMs?: number;
}): WorkerRegistry {
  const announceWorker = loadScript(redis, 'announce-worker.lua');
  const listWorkers = loadListScript<string>(redis, 'list-workers.lua');
  const forgetWorker = loadScript(redis, 'forget-worker.lua');
  return {
    async announce(worker) {
      await announceWorker(keys, [worker.id, JSON.stringify(worker), lifeMs]);
    },
    async forget(workerId) {
      await forgetWorker(keys, [workerId]);
    },
    async list() {
      const told = await listWorkers(keys, []);
      // A worker of another version may tell something else: it is left out, not a reason to see none.
      const workers = told.flatMap((text) => {
        const parsed = workerSchema.safeParse(JSON.parse(text));
        return parsed.success ? [parsed.data] : [];
      });
      return workers.sort((one, other) => (one.id < other.id ? -1 : 1));
    },
  };
}
