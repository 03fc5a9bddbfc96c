/** The home folder of a program agent: beside the work tree of its task, and gone with it. */
import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Workspace } from '../ports.ts';

/**
 * Opens the home that belongs to a work tree. Files are written only into a new one: later it holds what an agent left
 * there, links to anywhere among it, and the host does not write through those. A process that is killed while it makes one
 * leaves none.
 */
export function openAgentHome(
  { path }: Workspace,
  files: Readonly<Record<string, string>>,
): { readonly path: string; readonly isNew: boolean } {
  const home = join(dirname(path), 'agent-home');
  if (lstatSync(home, { throwIfNoEntry: false }) !== undefined) return { path: home, isNew: false };
  const partial = `${home}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const file = join(partial, normalize(join('/', name)));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }
  renameSync(partial, home);
  return { path: home, isNew: true };
}
