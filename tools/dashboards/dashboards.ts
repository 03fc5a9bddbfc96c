/** All dashboards, in the order in which a person on call looks at them. */
import { api } from './api.ts';
import type { Dashboard } from './dashboard.ts';
import { modelsAndLimits } from './models-and-limits.ts';
import { platform } from './platform.ts';
import { runsAndCost } from './runs-and-cost.ts';
import { temporal } from './temporal.ts';
import { workerPools } from './worker-pools.ts';

/** Written to helm/files/dashboards by `npm run docs`. */
export const dashboards: readonly Dashboard[] = [
  platform,
  workerPools,
  runsAndCost,
  modelsAndLimits,
  temporal,
  api,
];
