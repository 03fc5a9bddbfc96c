/** Short forms of what tests ask of a batch, as the tenant and in the world of the running test. */
import type { Actor, NewBatch, NewTask } from '../../../adapters/ports.ts';
import type { EndBatchInput } from '../../../contracts/activities.ts';
import { batchSchema, type Batch } from '../../../contracts/batch.schema.ts';
import { aBatch, type PostgresWorld } from './postgres-world.ts';

/** Makes the short forms; `now` answers the world and tenant of the running test. */
export function batchCalls(now: () => { readonly world: PostgresWorld; readonly actor: Actor }) {
  return {
    /** Stores a batch, and takes its message out of the outbox. */
    submit: async (items: readonly NewTask[], changes: Partial<NewBatch> = {}): Promise<Batch> => {
      const { world, actor } = now();
      const batch = await world.store.createBatch(actor, aBatch(items, changes), undefined);
      await world.drainOutbox();
      return batch;
    },

    take: (batchId: string, pageKey: string, limit = 100) => {
      const { world, actor } = now();
      return world.batches.takeItems({ tenantId: actor.tenantId, batchId, pageKey, limit });
    },

    end: (batchId: string, because: EndBatchInput['because'] = 'finished') => {
      const { world, actor } = now();
      return world.batches.endBatch({ tenantId: actor.tenantId, batchId, because });
    },

    /** The batch as the API shows it; its counts must add up. */
    read: async (batchId: string): Promise<Batch> => {
      const { world, actor } = now();
      const batch = batchSchema.parse(await world.store.getBatch(actor, batchId));
      const sum = (counts: Record<string, number>) =>
        Object.values(counts).reduce((total, count) => total + count, 0);
      const { succeeded, failed, cancelled } = batch.counts.byStatus;
      expect(sum(batch.counts.byStatus)).toBe(batch.counts.total);
      expect(sum(batch.counts.byOutcome)).toBe(succeeded + failed + cancelled);
      return batch;
    },
  };
}
