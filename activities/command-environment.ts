/** The environment of a task's programs: what a `command` agent and a gate may know. Documented in docs/command-agent.md. */
import type { TaskRecord } from '../adapters/ports.ts';

/** Answers the variables, beside PATH, HOME, TMPDIR and LANG, which the sandbox sets. */
export function commandEnvironment(task: TaskRecord): Record<string, string> {
  const own = Object.entries(task.variables).map(([name, value]) => [
    `ADO_VAR_${name.toUpperCase()}`,
    value,
  ]);
  return {
    ADO_TASK_ID: task.ref.taskId,
    ADO_ATTEMPT: String(task.ref.attempt),
    ADO_PROMPT: task.prompt,
    ADO_REPOSITORY: task.repository,
    ADO_BASE_COMMIT: task.baseCommit,
    ADO_BRANCH: task.branch,
    ...(task.batchId === undefined ? {} : { ADO_BATCH_ID: task.batchId }),
    ...(Object.fromEntries(own) as Record<string, string>),
  };
}
