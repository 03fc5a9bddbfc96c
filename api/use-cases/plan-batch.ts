/** Planning a batch: what would run and cost. Nothing is stored, started or spent. */
import type { Actor, NewTask } from '../../adapters/ports.ts';
import type { Plan, PlannedItem, SubmitBatch } from '../../contracts/batch.schema.ts';
import { slugOf } from '../../contracts/names.ts';
import { defaultMaxCostMicroUsd } from '../../contracts/task.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { assertModel } from './check-work.ts';
import { findChecks } from './find-checks.ts';
import { estimateWork } from './estimate-work.ts';
import { prepareBatch } from './prepare-batch.ts';

/** Resolves and renders a batch as a submit would, with the same problems. @throws the codes of `routes.planBatch` */
export async function planBatch(
  deps: ApiDeps,
  request: { readonly actor: Actor; readonly body: SubmitBatch },
): Promise<Plan> {
  const { actor, body } = request;
  const checks = [{ path: 'model', check: () => assertModel(deps, body) }];
  const tasks = await prepareBatch(deps, { actor, body, checks });
  const reusable = tasks.filter((task) => task.reuse && task.skip === undefined);
  const results = await deps.store.findResults(
    actor,
    reusable.map((task) => task.contentKey),
  );

  const checksOf = await findChecks(deps, body, tasks);
  const items = tasks.map((task) => ({
    ...toPlannedItem(task, body.name, results),
    checks: checksOf(task),
  }));
  const toRun = items.filter((item) => item.skip === undefined).length;
  const { maxCostMicroUsd = toRun * defaultMaxCostMicroUsd } = body;
  const worstMicroUsd = buys(deps, body) && toRun > 0 ? maxCostMicroUsd : 0;
  return {
    items,
    toRun,
    skipped: items.length - toRun,
    parallel: body.parallel,
    estimate: await estimateWork(deps, {
      actor,
      model: body.model,
      prompts: items.filter(({ skip }) => skip === undefined).map(({ prompt }) => prompt),
      worstMicroUsd,
    }),
  };
}

function toPlannedItem(
  task: NewTask,
  name: string | undefined,
  results: ReadonlyMap<string, string>,
): PlannedItem {
  const { repository, baseRef, baseCommit, prompt, variables } = task;
  const planned = {
    repository,
    baseRef,
    baseCommit,
    branchSlug: slugOf(name ?? prompt),
    prompt,
    variables,
  };
  if (task.skip !== undefined) return { ...planned, skip: task.skip };
  const sourceTaskId = task.reuse ? results.get(task.contentKey) : undefined;
  return sourceTaskId === undefined ? planned : { ...planned, skip: 'cached', sourceTaskId };
}

/** Whether the work can cost anything: a command buys nothing, and a scripted model's price is 0. */
function buys(deps: Pick<ApiDeps, 'models'>, work: SubmitBatch): boolean {
  if (work.agent !== 'builtin' || work.model === undefined) return false;
  return !deps.models.isFree(work.model);
}
