/** Names of worktrees. */
import type { TaskRef } from '../contracts/activities.ts';

/** Name of the worktree of one attempt of a task. */
export function workspaceKey(ref: TaskRef): string {
  return `${ref.taskId}.${String(ref.attempt)}`;
}
