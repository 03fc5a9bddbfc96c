/** The gauges that pools are scaled by, and those of tasks that have not ended: a look when metrics are read. */
import type { PoolState } from '../../contracts/fleet.schema.ts';
import type { OpenTasks } from '../ports.ts';
import type { Metrics } from './metrics.ts';

/** What the gauges are read from and written to. */
export interface FleetGaugesOptions {
  /** Shared by all who ask within a second. */
  readonly lookAtPools: () => Promise<readonly PoolState[]>;
  readonly lookAtTasks: () => Promise<OpenTasks>;
  readonly metrics: Pick<Metrics, 'poolsSeen' | 'openTasksSeen'>;
}

/** Makes the look. Gauges that cannot be read go away: a scaler that sees none waits, one that sees zero takes workers away. */
export function createFleetGauges(options: FleetGaugesOptions): () => Promise<void> {
  const { lookAtPools, lookAtTasks, metrics } = options;
  return async () => {
    const [seen, tasks] = await Promise.allSettled([lookAtPools(), lookAtTasks()]);
    metrics.poolsSeen(seen.status === 'fulfilled' ? seen.value : []);
    metrics.openTasksSeen(tasks.status === 'fulfilled' ? tasks.value : undefined);
  };
}
