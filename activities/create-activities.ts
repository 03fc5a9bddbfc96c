/** The activities that a worker registers, bound to the world it was given. */
import type { AgentActivities, GlueActivities, ModelActivities } from '../contracts/activities.ts';
import { createApprovalGlue } from './approvals.ts';
import { createBatchGlue } from './batch-glue.ts';
import { createCallModel } from './call-model.ts';
import type { ActivityDeps } from './deps.ts';
import { createEndTask } from './end-task.ts';
import { createPerformCommandTask } from './perform-command-task.ts';
import { createPublishWork } from './publish-work.ts';
import { createTakeTurn } from './take-turn.ts';
import { createAccountActivities } from './test-account.ts';

/** Activities of the agents pool. */
export function createAgentActivities(deps: ActivityDeps): AgentActivities {
  return {
    performCommandTask: createPerformCommandTask(deps),
    takeTurn: createTakeTurn(deps),
    publishWork: createPublishWork(deps),
  };
}

/** Activities of the models pool. */
export function createModelActivities(deps: ActivityDeps): ModelActivities {
  return { callModel: createCallModel(deps), ...createAccountActivities(deps) };
}

/** Activities of the workflows pool. */
export function createGlueActivities(deps: ActivityDeps): GlueActivities {
  return { endTask: createEndTask(deps), ...createBatchGlue(deps), ...createApprovalGlue(deps) };
}
