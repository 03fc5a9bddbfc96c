/** The items of a batch that a summary tells of. */
import type { Task } from '../contracts/task.schema.ts';
import type { ApiClient } from './api-client.ts';

/** Most failures and branches that a summary lists; the rest is counted. */
export const listedItems = 20;

/** The first items that failed, and of those that succeeded. */
export interface SummarisedItems {
  readonly failed: readonly Task[];
  readonly succeeded: readonly Task[];
}

/** Reads them. */
export async function listSummarised(api: ApiClient, batchId: string): Promise<SummarisedItems> {
  const list = async (outcome: string): Promise<readonly Task[]> => {
    const query = { outcome, limit: listedItems };
    const params = { batchId };
    return (await api.call('get /v1/batches/:batchId/items', { params, query })).items;
  };
  const [failed, succeeded] = await Promise.all([list('failed'), list('succeeded')]);
  return { failed, succeeded };
}
