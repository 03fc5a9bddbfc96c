/** Wire names: task queues, workflow types, ids, search attributes. None is renamed after a release. */

/** The task queues that every deployment has. */
export const taskQueues = {
  workflows: 'ado-workflows',
  models: 'ado-models',
  agents: 'ado-agents',
} as const;

/** A pool: the worker processes that serve one task queue and scale together. */
export const pools = ['workflows', 'models', 'agents'] as const;
/** One pool's name. */
export type Pool = (typeof pools)[number];

/** The queue of one host of the agents pool, where a task's worktree is warm. */
export function hostQueue(hostId: string): string {
  return `${taskQueues.agents}@${hostId}`;
}

/** The workflow types. */
export const workflowTypes = {
  task: 'agentTask',
  batch: 'agentBatch',
  testAccount: 'testAccount',
  listCredentials: 'listCredentials',
  publish: 'publishTask',
} as const;

/**
 * The workflow id of one attempt of a task: the task's id for the first, `<id>.<n>` for a retry. A retry is a run of
 * its own, so that a start repeated after a lost reply is refused by Temporal, whatever the state of earlier attempts.
 */
export function taskWorkflowId(taskId: string, attempt: number): string {
  return attempt === 1 ? taskId : `${taskId}.${String(attempt)}`;
}

/** The task and attempt of a workflow id; undefined for another kind of workflow. */
export function readTaskWorkflowId(
  workflowId: string,
): { readonly taskId: string; readonly attempt: number } | undefined {
  const [, taskId, attempt = '1'] = /^(task-[0-9a-f-]{36})(?:\.(\d+))?$/.exec(workflowId) ?? [];
  return taskId === undefined ? undefined : { taskId, attempt: Number(attempt) };
}

/** Search attributes, all of type Keyword; set at the start and on status changes only. */
export const searchAttributes = {
  tenantId: 'TenantId',
  agentType: 'AgentType',
  taskStatus: 'TaskStatus',
  batchId: 'BatchId',
  repository: 'Repository',
  model: 'Model',
} as const;

/** The tenant of the embedded default. */
export const localTenantId = '00000000-0000-7000-8000-000000000001';

/** Shape of a task's id: `task-` and a UUID version 7. */
export const taskIdPattern =
  /^task-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Shape of a batch's id: `batch-` and a UUID version 7. */
export const batchIdPattern =
  /^batch-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Shape of an approval's id: `approval-` and a UUID version 7. */
export const approvalIdPattern =
  /^approval-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The short form of an id, used in branch names and tables: its last 8 characters, which are random (the first ones of
 * a UUID version 7 are time and equal for all items of a batch).
 */
export function shortId(id: string): string {
  return id.slice(-8);
}

/** Turns a prompt or name into the readable part of a branch name: at most 40 of `a–z 0–9 -`; `task` when nothing is left. */
export function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'task' : slug;
}

/** The branch that a task's work is delivered on. */
export function branchName(title: string, taskId: string): string {
  return `ado/${slugOf(title)}-${shortId(taskId)}`;
}
