/** From a target as the caller names it to a task that can be stored: base locked, prompt rendered, id and key given. */
import { v7 as uuidV7 } from 'uuid';
import type { Actor, NewTask, ResolvedTarget } from '../../adapters/ports.ts';
import { gateProfileOf } from '../../contracts/gate-profile.ts';
import { branchName } from '../../contracts/names.ts';
import type { Variables, Work } from '../../contracts/task.schema.ts';
import { contentKey } from './content-key.ts';
import { renderPrompt } from './render-prompt.ts';

/** One target of a request. */
export interface Target {
  readonly baseRef: string | undefined;
  /** With its `{{name}}` places. */
  readonly prompt: string;
  readonly variables: Variables;
  readonly skip: 'optout' | undefined;
}

/** A task to store, and the names in its prompt that nobody gave a value. */
export interface PreparedTask {
  readonly task: NewTask;
  readonly unknownNames: readonly string[];
}

/** Makes the task of a resolved target. */
export function prepareTask(request: {
  readonly actor: Actor;
  readonly work: Work;
  readonly target: Target;
  readonly resolved: ResolvedTarget;
  readonly filesDigest: string;
  /** Spending up to which nobody is asked, when the request does not say. */
  readonly confirmAboveCostMicroUsd: number;
  /** Names the branch; default: the prompt does. */
  readonly name: string | undefined;
}): PreparedTask {
  const { actor, work, target, resolved, filesDigest } = request;
  const { repository, baseCommit } = resolved;
  const { prompt, unknown } = renderPrompt(target.prompt, target.variables, repository);
  const id = `task-${uuidV7()}`;
  const { variables, baseRef, skip } = target;
  const task: NewTask = {
    id,
    prompt,
    repository,
    baseRef,
    baseCommit,
    branch: branchName(request.name ?? prompt, id),
    variables,
    skip,
    contentKey: contentKey({
      tenantId: actor.tenantId,
      repository,
      baseCommit,
      prompt,
      variables,
      work,
      filesDigest,
    }),
    reuse: !work.fresh,
    agent: work.agent,
    exec: work.exec,
    model: work.model,
    policy: work.policy,
    gates: work.gates,
    gateProfile: gateProfileOf(work),
    setup: work.setup,
    allowHosts: work.allowHosts,
    delivery: work.delivery,
    maxCostMicroUsd: work.maxCostMicroUsd,
    confirmedCostMicroUsd: work.confirmAboveCostMicroUsd ?? request.confirmAboveCostMicroUsd,
    timeoutMs: work.timeoutMs,
    priority: work.priority,
    labels: work.labels,
    sandbox: work.sandbox,
  };
  return { task, unknownNames: unknown };
}
