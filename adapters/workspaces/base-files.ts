/** Reads a base commit where it is on this machine already, without a mirror, a fetch, or the repository's configuration. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Workspaces } from '../ports.ts';
import { readCommitted } from './committed-files.ts';
import type { Git } from './git.ts';
import { objectFolders, openLocal } from './local-repository.ts';
import { mirrorPath } from './mirrors.ts';
import { replaceFile } from './small-files.ts';
import { locationOf } from './targets.ts';

/** Makes `readBase`: three processes a repository. */
export function createReadBase({
  git,
  dataDir,
}: {
  readonly git: Git;
  readonly dataDir: string;
}): Workspaces['readBase'] {
  const empty = join(dataDir, 'git', 'empty.git');
  const objectsOf = async (repository: string): Promise<string[]> => {
    const location = locationOf(repository);
    if (location.kind === 'local') return await objectFolders(await openLocal(location.path));
    return [join(mirrorPath(join(dataDir, 'mirrors'), repository), 'objects')];
  };
  return async ({ repository, baseCommit, wanted }) => {
    try {
      // A repository's own configuration could name programs, such as those that fetch what a partial clone lacks.
      const folders = await objectsOf(repository);
      const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: folders.map(quoted).join(':') };
      makeEmpty(empty);
      const ofObjects: Pick<Git, 'run'> = { run: (run) => git.run({ ...run, env }) };
      return await readCommitted(ofObjects, empty, { commit: baseCommit, wanted });
    } catch {
      // Whether the work can begin is not for a look ahead to say.
      return undefined;
    }
  };
}

/** What git takes for one path of a list. */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, '\\$&')}"`;
}

function makeEmpty(gitDir: string): void {
  const head = join(gitDir, 'HEAD');
  if (existsSync(head)) return;
  for (const folder of ['objects', 'refs']) mkdirSync(join(gitDir, folder), { recursive: true });
  replaceFile(head, 'ref: refs/heads/none\n');
}
