/** The message of a task's commit. */
import type { TaskRecord } from '../adapters/ports.ts';

/** First line of the prompt, at most 72 characters, then the task's id. Equal for every attempt, as the commit must be. */
export function commitMessage(task: TaskRecord): string {
  const first = task.prompt.trim().split('\n', 1)[0] ?? '';
  const subject = first.length <= 72 ? first : `${first.slice(0, 71).trimEnd()}…`;
  return `${subject}\n\nAdo-Task: ${task.ref.taskId}\n`;
}
