/** Removes folders that a program has filled as it liked. */
import { existsSync } from 'node:fs';
import { AppError } from '../../contracts/errors.ts';
import type { Launcher } from './launcher.ts';

/**
 * Removes a folder with all that is in it; links are removed, never followed. Nothing happens when there is none.
 * By `rm`: it walks without long paths, so that no nesting is too deep for it, and takes a third of the CPU that
 * `fs.rm` does for the thirty files of a small worktree (measured).
 * @throws WORKSPACE_FAILED
 */
export async function removeTree(launcher: Launcher, path: string): Promise<void> {
  if (!existsSync(path)) return;
  const run = (file: string, ...args: readonly string[]) =>
    launcher.launch({ file, args, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } });
  const first = await run('rm', '-rf', '--', path);
  if (first.exitCode === 0) return;
  // Folders whose permissions were taken away.
  await run('chmod', '-R', 'u+rwX', '--', path);
  const second = await run('rm', '-rf', '--', path);
  if (second.exitCode !== 0) throw new AppError('WORKSPACE_FAILED', `Cannot remove ${path}.`);
}
