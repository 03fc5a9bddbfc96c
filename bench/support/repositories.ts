/** Small git repositories on disk, as many as a batch has items. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeRepository } from '../../tests/support/repositories.ts';

/** Repositories in a folder of their own. */
export interface Repositories {
  readonly paths: readonly string[];
  remove(): void;
}

/** Makes repositories with one commit each: copies of one, so that making a hundred does not take longer than the run. */
export function createRepositories(count: number): Repositories {
  const folder = mkdtempSync(join(tmpdir(), 'ado-bench-repositories-'));
  const original = makeRepository();
  const paths = Array.from({ length: count }, (_, index) => join(folder, `repository-${index}`));
  for (const path of paths) cpSync(original, path, { recursive: true });
  rmSync(dirname(original), { recursive: true });
  return { paths, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
