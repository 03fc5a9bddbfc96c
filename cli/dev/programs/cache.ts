/** Programs in ado's cache: made once, whoever needs them first, and found there from then on. */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lock } from '../lock.ts';
import type { Reporter } from '../progress.ts';
import { isExecutable } from './run-program.ts';

/** What a search for a program is given. */
export interface ProgramSearch {
  readonly env: NodeJS.ProcessEnv;
  readonly reporter: Reporter;
  /** Ends a download or build that nobody waits for any more. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns a program of the cache. Where it is missing, `fill` makes it in a temporary file; processes that ask for
 * something in the same folder meanwhile wait. `title` is what people call it.
 */
export async function getCached(
  { file, title }: { readonly file: string; readonly title: string },
  search: ProgramSearch,
  fill: (temporary: string) => Promise<void>,
): Promise<string> {
  if (isExecutable(file)) return file;
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  const held = await lock(join(folder, 'filling.lock'), (holder) => {
    search.reporter.line(
      `${title} is being fetched by another ado (pid ${String(holder.pid)}); waiting for it.`,
    );
  });
  // Beside its place, so that the last step is a rename on one file system.
  const temporary = `${file}.tmp`;
  try {
    if (isExecutable(file)) return file;
    await fill(temporary);
    renameSync(temporary, file);
    return file;
  } finally {
    rmSync(temporary, { force: true, recursive: true });
    held.release();
  }
}
