/**
 * Gives new work to a build of the workers, once they are there: `node worker/set-current-version.ts [--ramp PERCENT]
 * [--wait SECONDS]`. TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID name the build, ADO_POOLS the pools that it
 * must serve first. May be repeated.
 */
import { parseArgs } from 'node:util';
import { createLogger } from '../adapters/telemetry/logger.ts';
import { routeNewWork } from '../adapters/temporal/worker-versions.ts';
import { loadBuildConfig } from '../config/config.ts';
import { taskQueues } from '../contracts/names.ts';

const usage = 'usage: set-current-version [--ramp PERCENT] [--wait SECONDS]';

try {
  const { rampPercent, waitMs } = readFlags();
  const { temporal, build, pools, log: logging } = loadBuildConfig();
  const log = createLogger({ process: 'worker', ...logging });
  const queues = pools.map((pool) => taskQueues[pool]);
  const became = await routeNewWork({ ...temporal, build, queues, rampPercent, waitMs, log });
  log.info({ ...build, ...(became === 'ramping' ? { rampPercent } : {}) }, `build-${became}`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function readFlags(): { readonly rampPercent: number | undefined; readonly waitMs: number } {
  const { values } = parseArgs({
    options: { ramp: { type: 'string' }, wait: { type: 'string', default: '300' } },
  });
  return {
    rampPercent: values.ramp === undefined ? undefined : numberIn(values.ramp, 100),
    waitMs: numberIn(values.wait, 86_400) * 1_000,
  };
}

function numberIn(word: string, max: number): number {
  const number = Number(word);
  if (word.trim() !== '' && number >= 0 && number <= max) return number;
  throw new Error(`"${word}" is no number from 0 to ${max}; ${usage}`);
}
