/** What is in folders that others are at work in. */
import { readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';

/** The paths of all that is below a folder. What goes away meanwhile is left out, where Node.js's own walk throws. */
export function pathsBelow(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
