/** Work that went well and that only ado has: what says so, and what gets it into its repository. */
import type { Task } from '../contracts/task.schema.ts';
import type { Cli } from './cli.ts';

/** Whether work that went well waits for `ado publish`: nobody has asked for its branch on another host yet. */
export function isKept({ outcome, published, delivery }: Task): boolean {
  return outcome === 'succeeded' && published === false && delivery.mode === 'branch';
}

/** The branch of finished work, and that only ado has it where the repository does not. */
export function formatBranch(work: {
  readonly branch: string;
  readonly published?: boolean | undefined;
}): string {
  return work.published === false ? `${work.branch} (unpublished)` : work.branch;
}

/** Branch and head of a task; of an ended one also whether its repository has them. Nothing without a commit. */
export function formatHead({ branch, commit, outcome, published }: Task): string | undefined {
  if (commit === undefined) return undefined;
  const head = `${branch} at ${commit.slice(0, 12)}`;
  return outcome === undefined ? head : formatBranch({ branch: head, published });
}

/** Says on stderr how kept work of a task or a batch gets into its repositories. */
export function printPublish({ environment, terminal }: Cli, id: string): void {
  const { note, notePaint } = terminal;
  note(notePaint.dim(`Publish: ${environment.command} publish ${id}`));
}
