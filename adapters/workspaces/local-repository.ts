/** What can be learned of a repository on this machine by looking at its files, without a process. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { AppError } from '../../contracts/errors.ts';

/** A repository on this machine. */
export interface LocalRepository {
  /** Real path of its top folder; of the git folder itself when it is bare. */
  readonly path: string;
  readonly gitDir: string;
}

/**
 * Finds the repository at a path: a work tree (also a linked one, or a submodule) or a bare repository.
 * @throws REPOSITORY_NOT_FOUND when there is nothing · NOT_A_GIT_REPOSITORY when it is something else, or below the top
 */
export async function openLocal(path: string): Promise<LocalRepository> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw new AppError('REPOSITORY_NOT_FOUND', `${path} does not exist.`);
  if (!(await isFolder(real))) {
    throw new AppError(
      'NOT_A_GIT_REPOSITORY',
      `${path} is a file. Name the folder of a git repository.`,
    );
  }
  const gitDir = await findGitDir(real);
  if (gitDir !== undefined) return { path: real, gitDir };
  // The `.git` of a work tree looks like a bare repository; what is meant is the folder above.
  if (basename(real) !== '.git' && (await isGitDir(real))) return { path: real, gitDir: real };

  for (let folder = dirname(real); ; folder = dirname(folder)) {
    if ((await findGitDir(folder)) !== undefined) {
      throw new AppError(
        'NOT_A_GIT_REPOSITORY',
        `${path} lies inside the git repository ${folder}. Name that folder.`,
      );
    }
    if (folder === dirname(folder)) break;
  }
  throw new AppError(
    'NOT_A_GIT_REPOSITORY',
    `${path} is not a git repository. Run \`git init\` there and make a commit, or name another folder.`,
  );
}

/** The folders that hold a repository's objects: its own first, then those it borrows from. */
export async function objectFolders(repository: LocalRepository): Promise<string[]> {
  const common = await readText(join(repository.gitDir, 'commondir'));
  const gitDir =
    common === undefined ? repository.gitDir : resolve(repository.gitDir, common.trim());
  const folders = [join(gitDir, 'objects')];
  // Grows while it is walked: a repository that is borrowed from may itself borrow.
  for (const folder of folders) {
    const alternates = (await readText(join(folder, 'info', 'alternates'))) ?? '';
    for (const line of alternates.split('\n')) {
      const borrowed = line === '' || line.startsWith('#') ? undefined : resolve(folder, line);
      if (borrowed !== undefined && !folders.includes(borrowed)) folders.push(borrowed);
    }
  }
  return folders;
}

/** The list of commits whose parents a shallow repository does not have; undefined for a whole one. */
export async function shallowList(repository: LocalRepository): Promise<string | undefined> {
  const common = await readText(join(repository.gitDir, 'commondir'));
  return readText(join(resolve(repository.gitDir, common?.trim() ?? '.'), 'shallow'));
}

async function findGitDir(top: string): Promise<string | undefined> {
  const dotGit = join(top, '.git');
  if (await isGitDir(dotGit)) return dotGit;
  const pointer = /^gitdir: (.+)$/m.exec((await readText(dotGit)) ?? '')?.[1];
  if (pointer === undefined) return undefined;
  const gitDir = resolve(top, pointer);
  return (await exists(join(gitDir, 'HEAD'))) ? gitDir : undefined;
}

async function isGitDir(folder: string): Promise<boolean> {
  return (await exists(join(folder, 'HEAD'))) && (await isFolder(join(folder, 'objects')));
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
