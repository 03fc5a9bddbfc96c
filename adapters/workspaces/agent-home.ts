/** The home folder of a program agent: beside the work tree of its task, and gone with it. */
import { lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Workspace } from '../ports.ts';

/**
 * Opens the home that belongs to a work tree. Files are written only into a new one: later it holds what an agent left
 * there, links to anywhere among it, and the host does not write through those.
 */
export function openAgentHome(
  { path }: Workspace,
  files: Readonly<Record<string, string>>,
): { readonly path: string; readonly isNew: boolean } {
  const home = join(dirname(path), 'agent-home');
  if (lstatSync(home, { throwIfNoEntry: false }) !== undefined) return { path: home, isNew: false };
  mkdirSync(home, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const file = join(home, normalize(join('/', name)));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  }
  return { path: home, isNew: true };
}
