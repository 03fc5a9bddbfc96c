/** Usage as a test sets it. */
import type { UsageStore } from '../../../adapters/ports.ts';

/** Makes a usage store of a tenant that has spent nothing; parts of it can be replaced. */
export function createMemoryUsageStore(replaced: Partial<UsageStore> = {}): UsageStore {
  const open = { heldMicroUsd: 0, unknownMicroUsd: 0, unknownCalls: 0 };
  const tokens = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
  const total = { calls: 0, ...tokens, cacheWriteHourTokens: 0, reasoningTokens: 0 };
  return {
    sumUsage: async () => ({
      items: [],
      nextCursor: null,
      total: { ...total, costMicroUsd: 0, open },
    }),
    sumCosts: async (_actor, periods) => periods.map(() => 0),
    findFirstCall: async () => undefined,
    listPurchases: async () => ({ items: [], nextCursor: null }),
    findTaskCosts: async () => ({ tasks: 0, p90MicroUsd: 0 }),
    ...replaced,
  };
}
