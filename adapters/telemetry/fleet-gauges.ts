/** The gauges that pools are scaled by: a look when metrics are read. */
import type { PoolState } from '../../contracts/fleet.schema.ts';
import type { Metrics } from './metrics.ts';

/** What the gauges are read from and written to. */
export interface FleetGaugesOptions {
  /** Shared by all who ask within a second. */
  readonly lookAtPools: () => Promise<readonly PoolState[]>;
  readonly countPending: () => Promise<number>;
  readonly metrics: Pick<Metrics, 'poolsSeen' | 'pendingSeen'>;
}

/** Makes the look. Gauges that cannot be read go away: a scaler that sees none waits, one that sees zero takes workers away. */
export function createFleetGauges(options: FleetGaugesOptions): () => Promise<void> {
  const { lookAtPools, countPending, metrics } = options;
  return async () => {
    const [seen, pending] = await Promise.allSettled([lookAtPools(), countPending()]);
    metrics.poolsSeen(seen.status === 'fulfilled' ? seen.value : []);
    metrics.pendingSeen(pending.status === 'fulfilled' ? pending.value : undefined);
  };
}
