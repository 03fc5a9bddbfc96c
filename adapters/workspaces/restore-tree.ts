/**
 * Brings a work tree back to its commit: what checks leave there is no work, and would be in the next commit.
 *
 * Git does it in a second sandbox, as an agent may have put anything into the tree. What git ignores stays: dependencies
 * that were installed, caches of builds.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import { removeTree } from './remove-tree.ts';
import { copyIndex, gitEnvironment, launchOverTree, type TreeDeps } from './snapshot.ts';
import type { Worktree } from './worktrees.ts';

/** 20,000 files on a slow disk. */
const timeoutMs = 600_000;

/** Untracked files and nested repositories first: one may be where a tracked file was. */
const script = 'git clean -ffdq && git checkout-index --all --force --quiet';

/** Makes `restore`. @throws WORKSPACE_FAILED · SANDBOX_UNAVAILABLE (on use) */
export function createRestoreTree(deps: TreeDeps): (worktree: Worktree) => Promise<void> {
  return async (worktree) => {
    const { tree, gitDir, mirror } = worktree;
    const folder = join(dirname(tree), 'restore');
    await removeTree(deps.launcher, folder);
    mkdirSync(folder);
    const index = join(folder, 'index');
    await copyIndex(join(gitDir, 'index'), index);
    const said: Uint8Array[] = [];
    const exit = await launchOverTree(deps, {
      argv: ['sh', '-c', script],
      request: {
        readOnly: [join(mirror, 'objects'), gitDir],
        writable: [tree, folder],
        workDir: tree,
        env: gitEnvironment(worktree, index),
      },
      timeoutMs,
      onOutput: (_stream, bytes) => {
        if (said.length < 16) said.push(bytes);
      },
    });
    if (exit.exitCode === 0) return;
    const why = Buffer.concat(said).toString().trim().slice(-500);
    throw new AppError('WORKSPACE_FAILED', `Cannot undo what checks left in the work tree: ${why}`);
  };
}
