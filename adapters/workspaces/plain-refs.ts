/**
 * What git would say to `rev-parse <ref>^{commit}`, read from its files: a process costs thirty times as much. Only plain
 * cases are answered, which is nearly all there are; for everything else git itself is asked.
 */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { holdsCommit } from './stored-objects.ts';

/** Of packed refs, which can be many; above this git, which reads only parts of them, is the faster one. */
const maxFileBytes = 1_048_576;

const fullId = /^[0-9a-f]{40}$/;

/** Names that mean nothing else in git's syntax of revisions, and are no file outside of `refs/` that git would prefer. */
const plainName = /^(?!.*(\.\.|\/\.|\/\/|\.\/|\.lock(\/|$)))[A-Za-z0-9_][\w./+-]*(?<![./])$/;
/** Kept per work tree, or a name for another work tree's. */
const ownedName = /^(refs\/)?(bisect|rewritten|worktree|worktrees|main-worktree)\//;

/** The folders of a repository: a linked work tree has a HEAD of its own, and shares the rest. */
interface Folders {
  readonly gitDir: string;
  readonly commonDir: string;
}

/**
 * Finds the commit of a branch, tag, full id or `HEAD`. undefined says nothing about the target: revision syntax, short
 * ids, symbolic refs, names that mean two things, other formats than git's oldest, and whatever is missing or damaged
 * are left to git. What is answered is there: it was read, and has the hash that it is named by.
 */
export function findPlainCommit(gitDir: string, ref: string): string | undefined {
  try {
    const folders = { gitDir, commonDir: commonDirOf(gitDir) };
    // Also when HEAD is not asked for: without a good one git takes the folder for no repository.
    const head = readHead(folders);
    if (head === undefined || !isPlainFormat(folders)) return undefined;
    const id = ref === 'HEAD' ? resolveHead(folders, head) : resolveName(folders, ref);
    return id !== undefined && holdsCommit(folders.commonDir, id) ? id : undefined;
  } catch {
    // What cannot be read is explained best by git.
    return undefined;
  }
}

function commonDirOf(gitDir: string): string {
  const path = readIfFile(join(gitDir, 'commondir'));
  return path === undefined ? gitDir : resolve(gitDir, path.trim());
}

/** Extensions change where refs are and how ids look (reftable, SHA-256). Git reads them from this file alone. */
function isPlainFormat({ commonDir }: Folders): boolean {
  const config = readIfFile(join(commonDir, 'config')) ?? '';
  const versions = config.match(/repositoryformatversion.*/gi)?.join();
  return (
    versions === 'repositoryformatversion = 0' &&
    !/\[\s*extensions/i.test(config) &&
    existsSync(join(commonDir, 'refs'))
  );
}

/** The branch or the commit that HEAD names. */
function readHead({ gitDir }: Folders): string | undefined {
  const text = readIfFile(join(gitDir, 'HEAD')) ?? '';
  const [, branch, id] = /^(?:ref: (refs\/heads\/\S+)|([0-9a-f]{40}))\n$/.exec(text) ?? [];
  return branch ?? id;
}

function resolveHead(folders: Folders, head: string): string | undefined {
  if (fullId.test(head)) return head;
  return plainName.test(head) ? readRef(folders, head) : undefined;
}

/** By git's rules (gitrevisions(7)), where an id comes first, then what lies outside of `refs/`. */
function resolveName(folders: Folders, name: string): string | undefined {
  if (fullId.test(name)) return name;
  if (!plainName.test(name) || ownedName.test(name)) return undefined;
  if (/^refs\/(heads|tags)\//.test(name)) return readRef(folders, name);
  if ([folders.gitDir, folders.commonDir].some((folder) => existsSync(join(folder, name)))) {
    return undefined;
  }
  const found = [`refs/${name}`, `refs/tags/${name}`, `refs/heads/${name}`]
    .map((ref) => readRef(folders, ref))
    .filter((id) => id !== undefined);
  return found.length === 1 ? found[0] : undefined;
}

/** The id of a ref, of an annotated tag that of what it stands for. @throws Error when its file holds anything else */
function readRef({ commonDir }: Folders, ref: string): string | undefined {
  const loose = readIfFile(join(commonDir, ref));
  // In this order: git packs a ref before it removes the file.
  if (loose === undefined) return readPackedRef(join(commonDir, 'packed-refs'), ref);
  const id = loose.replace(/\n$/, '');
  if (!fullId.test(id)) throw new Error(`${ref} is not plain`);
  return id;
}

function readPackedRef(file: string, ref: string): string | undefined {
  const text = readIfFile(file) ?? '';
  const end = text.indexOf(` ${ref}\n`);
  if (end === -1) return undefined;
  // The next line may tell what the tag above it stands for.
  const [next = ''] = text.slice(end + ref.length + 2, end + ref.length + 44).split('\n', 1);
  const id = next.startsWith('^')
    ? next.slice(1)
    : text.slice(text.lastIndexOf('\n', end) + 1, end);
  if (!fullId.test(id)) throw new Error(`${ref} is not plain`);
  return id;
}

/** Reads a file; undefined when there is none, as where a folder has its name. @throws Error when it is not plain */
function readIfFile(path: string): string | undefined {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined || entry.isDirectory()) return undefined;
  // A link may be git's old form of a symbolic ref. Anything else could keep this process waiting.
  if (!entry.isFile() || entry.size > maxFileBytes) throw new Error(`${path} is not plain`);
  return readFileSync(path, 'utf8');
}
