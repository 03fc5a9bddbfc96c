/**
 * Mirrors: one bare repository per source in the host's cache. It holds the objects that worktrees start from and the
 * commits that ado makes; nothing is ever removed from it, and no agent may write to it.
 *
 * A mirror of a local repository takes the object files themselves, as hard links where the file system allows it: no
 * process, no copy, and the source may collect its garbage meanwhile. One of a remote repository fetches.
 */
import { randomUUID, createHash } from 'node:crypto';
import {
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '../../contracts/errors.ts';
import { gitMessage, type Git } from './git.ts';
import { objectFolders, openLocal, shallowList } from './local-repository.ts';
import { makePrivateFolder, namesIn, replaceFile } from './small-files.ts';
import { locationOf } from './targets.ts';

/** A large repository over a slow line. */
const fetchTimeoutMs = 1_800_000;
const unfinishedPrefix = '.new-';

/** The mirrors of this host. */
export interface Mirrors {
  /** The mirror of a repository, made when there is none. @throws REPOSITORY_NOT_FOUND · WORKSPACE_FAILED */
  open(repository: string): Promise<string>;
  /** Brings a commit from the source into its mirror. @throws REPOSITORY_NOT_FOUND · WORKSPACE_FAILED */
  update(repository: string, commit: string, signal: AbortSignal | undefined): Promise<void>;
  /** Removes mirrors whose making was begun before and never ended. Answers how many. */
  sweep(before: Date): Promise<number>;
}

/** Makes the mirrors of a data folder. */
export function createMirrors({
  git,
  dataDir,
}: {
  readonly git: Git;
  readonly dataDir: string;
}): Mirrors {
  const folder = join(dataDir, 'mirrors');
  /** Work on a mirror in this process, so that tasks on one repository wait for one fetch instead of each making its own. */
  const busy = new Map<string, Promise<unknown>>();

  /** Runs `work` unless the same is under way; then its outcome is shared. */
  const share = async (name: string, work: () => Promise<void>): Promise<void> => {
    const running = busy.get(name) ?? work().finally(() => busy.delete(name));
    busy.set(name, running);
    await running;
  };

  const create = async (repository: string, mirror: string): Promise<void> => {
    const next = join(folder, `${unfinishedPrefix}${randomUUID()}`);
    mkdirSync(join(next, 'objects', 'pack'), { recursive: true });
    mkdirSync(join(next, 'objects', 'info'));
    mkdirSync(join(next, 'refs', 'heads'), { recursive: true });
    writeFileSync(join(next, 'HEAD'), 'ref: refs/heads/none\n');
    writeFileSync(join(next, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
    writeFileSync(join(next, 'description'), `${repository}\n`);
    const location = locationOf(repository);
    if (location.kind === 'local') await takeObjects(location.path, next);
    try {
      renameSync(next, mirror);
    } catch (error) {
      await rm(next, { recursive: true });
      // Another process was first.
      if (!existsSync(mirror)) throw error;
    }
  };

  const fetch = async (repository: string, commit: string): Promise<void> => {
    const mirror = mirrorPath(folder, repository);
    const location = locationOf(repository);
    const talk = location.kind === 'remote' ? git.remote : git.run;
    const options = [
      '--no-tags',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-recurse-submodules',
      '--quiet',
    ];
    const fetchRefs = (...refs: readonly string[]) =>
      talk({
        args: [`--git-dir=${mirror}`, 'fetch', ...options, '--', repository, ...refs],
        timeoutMs: fetchTimeoutMs,
      });
    const one = await fetchRefs(`+${commit}:refs/ado/base/${commit}`);
    if (one.exitCode === 0) return;
    // A host may refuse single commits and still have them on a branch or tag.
    const all = await fetchRefs('+refs/heads/*:refs/ado/heads/*', '+refs/tags/*:refs/ado/tags/*');
    if (all.exitCode !== 0) {
      throw new AppError('WORKSPACE_FAILED', `Cannot fetch from ${repository}: ${gitMessage(all)}`);
    }
  };

  return {
    async open(repository) {
      const mirror = mirrorPath(folder, repository);
      makePrivateFolder(folder);
      if (!existsSync(mirror)) await share(mirror, () => create(repository, mirror));
      return mirror;
    },
    async update(repository, commit, signal) {
      const mirror = mirrorPath(folder, repository);
      const location = locationOf(repository);
      if (location.kind === 'local') {
        await share(`${mirror} objects`, () => takeObjects(location.path, mirror));
        const has = await git.run({
          args: [`--git-dir=${mirror}`, 'cat-file', '-e', `${commit}^{tree}`],
        });
        if (has.exitCode === 0) return;
      }
      // A task that is stopped leaves the fetch to those that wait for it too.
      await Promise.race([
        share(`${mirror} ${commit}`, () => fetch(repository, commit)),
        aborted(signal),
      ]);
    },
    async sweep(before) {
      const unfinished = namesIn(folder).filter((name) => name.startsWith(unfinishedPrefix));
      let removed = 0;
      for (const path of unfinished.map((name) => join(folder, name))) {
        const found = await stat(path).catch(() => undefined);
        if (found === undefined || found.mtimeMs >= before.getTime()) continue;
        await rm(path, { recursive: true, force: true });
        removed += 1;
      }
      return removed;
    },
  };
}

/** Answers whether a mirror has a commit. */
export async function hasCommit(
  git: Pick<Git, 'run'>,
  mirror: string,
  commit: string,
): Promise<boolean> {
  const args = [`--git-dir=${mirror}`, 'cat-file', '-e', `${commit}^{commit}`];
  return (await git.run({ args })).exitCode === 0;
}

/** The mirror's folder: a readable name and a hash that tells equal names apart. */
export function mirrorPath(folder: string, repository: string): string {
  const hash = createHash('sha256').update(repository).digest('hex').slice(0, 16);
  return join(folder, `${readableName(repository)}-${hash}.git`);
}

/** The last part of a repository's path or URL, in characters that no program stumbles over; `repository` when none is left. */
export function readableName(repository: string): string {
  const name = basename(repository.replace(/[/\\:]+/g, '/')).replace(/\.git$/, '');
  const plain = name
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 80);
  return plain === '' ? 'repository' : plain;
}

/** Takes all object files of a local repository that the mirror lacks. */
async function takeObjects(path: string, mirror: string): Promise<void> {
  const repository = await openLocal(path);
  for (const source of await objectFolders(repository)) {
    for (const name of namesIn(source).filter((folder) => /^[0-9a-f]{2}$/.test(folder))) {
      await takeFiles(join(source, name), join(mirror, 'objects', name), /^[0-9a-f]{38}$/);
    }
    // A pack counts from the moment its index is there: the index comes last.
    for (const kind of [/^pack-\w+\.pack$/, /^pack-\w+\.rev$/, /^pack-\w+\.idx$/]) {
      await takeFiles(join(source, 'pack'), join(mirror, 'objects', 'pack'), kind);
    }
  }
  const shallow = await shallowList(repository);
  if (shallow !== undefined) replaceFile(join(mirror, 'shallow'), shallow);
}

/** A folder of objects is taken in one go, as a link costs microseconds and a promise more; between folders others have a turn. */
async function takeFiles(source: string, target: string, names: RegExp): Promise<void> {
  const wanted = namesIn(source).filter((name) => names.test(name));
  if (wanted.length === 0) return;
  mkdirSync(target, { recursive: true });
  const present = new Set(namesIn(target));
  for (const name of wanted) {
    if (!present.has(name)) takeFile(join(source, name), join(target, name));
  }
  await nextTurn();
}

function takeFile(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: the source was repacked meanwhile; what is missing shows at the checkout, and is fetched.
    if (code === 'EEXIST' || code === 'ENOENT') return;
    if (!['EXDEV', 'EPERM', 'EMLINK', 'EACCES', 'ENOTSUP'].includes(code ?? '')) throw error;
    const next = join(dirname(target), `tmp_${randomUUID()}`);
    copyFileSync(source, next, constants.COPYFILE_FICLONE);
    renameSync(next, target);
  }
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
