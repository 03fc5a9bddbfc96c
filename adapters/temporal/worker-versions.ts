/** Which build of the workers gets new work. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import type { WorkerBuild } from '../../config/config.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What is to be so. */
export interface RouteRequest {
  readonly address: string;
  readonly namespace: string;
  readonly build: WorkerBuild;
  /** Queues that the build's workers must serve first. */
  readonly queues: readonly string[];
  /** Share of new work that the build gets, in percent; all of it when undefined, and when no build is current yet. */
  readonly rampPercent: number | undefined;
  /** How long its workers, or Temporal, are waited for. */
  readonly waitMs: number;
  readonly log: Pick<Logger, 'info'>;
}

const lookEveryMs = 1_000;
const callTimeoutMs = 5_000;
const identity = 'ado set-current-version';

/** gRPC's codes for: too late, not there, not in this state, too much, not now. All of them pass as workers arrive. */
const passing = [4, 5, 9, 8, 14];

/**
 * Gives a build new work: all of it, or a share. Waits until its workers serve all queues, and until Temporal agrees: it
 * refuses while a queue with work would be left without one. What is so already stays so.
 * @throws Error with what is missing when the time is over, and what Temporal refuses for good
 */
export async function routeNewWork(request: RouteRequest): Promise<'current' | 'ramping'> {
  const { address, build, queues, waitMs, log } = request;
  const connection = Connection.lazy({ address });
  const giveUpAt = Date.now() + waitMs;
  try {
    for (let last = ''; ;) {
      const reason = await connection
        .withDeadline(Date.now() + callTimeoutMs, () => tryToRoute(connection, request))
        .catch(toReason);
      if (reason === 'current' || reason === 'ramping') return reason;
      if (reason !== last) log.info({ ...build, reason }, 'workers-awaited');
      last = reason;
      if (Date.now() > giveUpAt) {
        throw new Error(
          `build ${build.buildId} of ${build.deploymentName} gets no new work after ${Math.round(waitMs / 1_000)} s: ${reason} (its workers have to serve ${queues.join(', ')})`,
        );
      }
      await sleep(lookEveryMs);
    }
  } finally {
    await connection.close();
  }
}

/** Answers what is so, or why not yet. */
async function tryToRoute(
  { workflowService }: Connection,
  { namespace, build, queues, rampPercent }: RouteRequest,
): Promise<string> {
  const { deploymentName, buildId } = build;
  const { versionTaskQueues } = await workflowService.describeWorkerDeploymentVersion({
    namespace,
    deploymentVersion: build,
  });
  const missing = queues.filter((queue) => !versionTaskQueues.some(({ name }) => name === queue));
  if (missing.length > 0) return `no worker of the build serves ${missing.join(', ')}`;

  const { workerDeploymentInfo } = await workflowService.describeWorkerDeployment({
    namespace,
    deploymentName,
  });
  const current = workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
  if (current === buildId) return 'current';
  const change = { namespace, deploymentName, buildId, identity };
  if (rampPercent !== undefined && rampPercent < 100 && current) {
    await workflowService.setWorkerDeploymentRampingVersion({ ...change, percentage: rampPercent });
    return 'ramping';
  }
  await workflowService.setWorkerDeploymentCurrentVersion(change);
  return 'current';
}

function toReason(error: unknown): string {
  if (isGrpcServiceError(error) && passing.includes(error.code)) return error.details;
  throw error;
}
