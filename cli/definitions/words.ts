/**
 * The words that flags take. They are written out, because the schemas that also have them would be loaded with them;
 * the compiler holds both together.
 */
import type { InstallableAgent } from '../../config/agent-programs.ts';
import type {
  AgentKind,
  Delivery,
  GateProfile,
  Policy,
  SandboxKind,
} from '../../contracts/task.schema.ts';
import type { UsageGroup } from '../../contracts/usage.schema.ts';

/** Agents. */
export const agentWords = [
  'builtin',
  'command',
  'claude-code',
  'codex',
  'gemini',
  'acp',
] as const satisfies readonly AgentKind[];
/** Agents that can be installed. */
export const installableWords = [
  'claude-code',
  'codex',
  'gemini',
] as const satisfies readonly InstallableAgent[];
/** Policies. */
export const policyWords = ['autonomous', 'review-edits'] as const satisfies readonly Policy[];
/** Sandboxes. */
export const sandboxWords = ['bubblewrap', 'none'] as const satisfies readonly SandboxKind[];
/** Ways of delivery. */
export const deliveryWords = [
  'branch',
  'patch',
  'merge',
  'pull-request',
] as const satisfies readonly Delivery['mode'][];
/** Profiles of checks. */
export const gateProfileWords = [
  'none',
  'minimal',
  'standard',
  'strict',
] as const satisfies readonly GateProfile[];
/** What usage is added up by. */
export const usageWords = [
  'provider',
  'model',
  'account',
  'task',
  'batch',
  'day',
  'tenant',
] as const satisfies readonly UsageGroup[];
/** How much of a task's steps is shown: those that tell most, all, none. */
export const stepWords = ['some', 'all', 'none'] as const;
