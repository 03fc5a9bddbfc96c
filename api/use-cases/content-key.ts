/** The identity of a piece of work: two tasks with the same key would do the same again. */
import { gateProfileOf } from '../../contracts/gate-profile.ts';
import type { Variables, Work } from '../../contracts/task.schema.ts';
import { hashOf } from './canonical-json.ts';

/** What decides a result. */
export interface Content {
  readonly tenantId: string;
  readonly repository: string;
  readonly baseCommit: string;
  /** Rendered. */
  readonly prompt: string;
  /** All of them: a command sees each in its environment. */
  readonly variables: Variables;
  readonly work: Work;
  /** Hash of the files that command, model script and gates name. */
  readonly filesDigest: string;
}

/**
 * Hashes what decides a result. Left out is what does not: name, labels, priority, budgets, times, `parallel`, and who
 * asked when. The base is a commit, never the name of a branch.
 */
export function contentKey(content: Content): string {
  const { work, ...rest } = content;
  const { agent, exec, model, gates, setup, allowHosts, delivery, sandbox } = work;
  const checks = { gates, gateProfile: gateProfileOf(work), setup, allowHosts };
  // A new meaning of the key is a new number, so that no result of the old one is taken for it.
  return hashOf({ version: 2, ...rest, agent, exec, model, ...checks, delivery, sandbox });
}
