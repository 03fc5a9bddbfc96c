/** Accepting a task. */
import type { Actor, IdempotencyClaim } from '../../adapters/ports.ts';
import { AppError } from '../../contracts/errors.ts';
import type { SubmitTask, Task } from '../../contracts/task.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { afterCommit } from './after-commit.ts';
import { assertModel, assertSandbox, filesDigest } from './check-work.ts';
import { prepareTask } from './prepare-task.ts';

/**
 * Stores a task durably and answers it; it is started by the outbox. Repeating it with the same claim answers the first
 * task as it is by then. @throws the codes of `routes.submitTask`
 */
export async function submitTask(
  deps: ApiDeps,
  request: {
    readonly actor: Actor;
    readonly body: SubmitTask;
    readonly claim: IdempotencyClaim | undefined;
  },
): Promise<Task> {
  const { actor, body, claim } = request;
  const known = claim && (await deps.store.findClaimed(actor, claim));
  if (known !== undefined) return deps.store.getTask(actor, known);

  const { repository, baseRef, prompt, variables, ...work } = body;
  const [resolved, digest] = await Promise.all([
    deps.workspaces.resolve({ repository, baseRef }),
    filesDigest(deps, work),
    assertSandbox(deps, work),
    assertModel(deps, work),
  ]);
  const { task, unknownNames } = prepareTask({
    actor,
    work,
    target: { baseRef, prompt, variables, skip: undefined },
    resolved,
    filesDigest: digest,
    confirmAboveCostMicroUsd: deps.confirmAboveCostMicroUsd,
    name: undefined,
  });
  if (unknownNames.length > 0) {
    const message = `the prompt asks for ${unknownNames.join(', ')}, which variables do not give`;
    throw new AppError('INVALID_REQUEST', `The request cannot run: ${message}.`, {
      problems: [{ path: 'variables', message }],
    });
  }
  const stored = await deps.store.createTask(actor, task, claim);
  await afterCommit(deps, stored.id);
  return stored;
}
