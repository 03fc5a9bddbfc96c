/** The workflows that a worker serves. */
export { agentBatch } from './agent-batch.ts';
export { agentTask } from './agent-task.ts';
export { listCredentials, testAccount } from './look-at-accounts.ts';
export { publishTask } from './publish-task.ts';
