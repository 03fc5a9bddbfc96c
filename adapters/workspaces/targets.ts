/** From a target as the caller names it to the commit that its work starts from. */
import { fileURLToPath } from 'node:url';
import { isAbsolute } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import type { ResolvedTarget, Workspaces } from '../ports.ts';
import { gitMessage, type Git } from './git.ts';
import { openLocal } from './local-repository.ts';
import { findPlainCommit } from './plain-refs.ts';

/** Time that a host gets to answer, connection and log-in included. */
const remoteTimeoutMs = 20_000;
const localTimeoutMs = 20_000;

const fullId = /^[0-9a-f]{40}$/;

type Target = Parameters<Workspaces['resolve']>[0];

/** Makes `resolve`. A local target costs a few looks at files or else one process, a remote one a connection. */
export function createResolve(git: Git): Workspaces['resolve'] {
  return async (target) => {
    const location = locationOf(target.repository);
    if (location.kind === 'local') return await resolveLocal(git, target, location.path);
    return await resolveRemote(git, target, location.url);
  };
}

/** Where a repository is, told from its name alone. */
export type Location =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'remote'; readonly url: string };

/**
 * Tells paths from URLs. What is neither is refused, above all what git would take for an option or a program
 * (`-…`, `ext::…`). @throws REPOSITORY_NOT_FOUND
 */
export function locationOf(repository: string): Location {
  if (isAbsolute(repository)) return { kind: 'local', path: repository };
  if (repository.startsWith('file://')) return { kind: 'local', path: pathOfUrl(repository) };
  const isUrl = /^(https?|ssh|git):\/\/[^-\s]\S*$/.test(repository);
  // The short form of ssh: user@host:path.
  const isShort =
    /^([\w.+~][\w.+~-]*@)?[\w.][\w.-]*:(?!:)[^\s:]\S*$/.test(repository) &&
    !/^\w+:\/\//.test(repository);
  if (isUrl || isShort) return { kind: 'remote', url: repository };
  throw new AppError(
    'REPOSITORY_NOT_FOUND',
    `${repository} is neither an absolute path nor a URL (https, ssh, git or file).`,
  );
}

function pathOfUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    throw new AppError('REPOSITORY_NOT_FOUND', `${url} does not name a file on this machine.`);
  }
}

async function resolveLocal(git: Git, target: Target, path: string): Promise<ResolvedTarget> {
  const { path: repository, gitDir } = await openLocal(path);
  const ref = target.baseCommit ?? target.baseRef;
  const plain = findPlainCommit(gitDir, ref ?? 'HEAD');
  if (plain !== undefined) return { repository, baseCommit: plain };
  const found = await git.run({
    args: [
      `--git-dir=${gitDir}`,
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${ref ?? 'HEAD'}^{commit}`,
    ],
    timeoutMs: localTimeoutMs,
  });
  const baseCommit = found.stdout.toString().trim();
  if (fullId.test(baseCommit)) return { repository, baseCommit };
  if (/^[0-9a-f]{64}$/.test(baseCommit)) throw unsupportedHash(repository);
  if (found.exitCode !== 1 && found.stderr !== '') {
    throw new AppError(
      'NOT_A_GIT_REPOSITORY',
      `${repository} cannot be read by git: ${gitMessage(found)}`,
    );
  }
  throw noSuchRef(repository, ref);
}

async function resolveRemote(git: Git, target: Target, url: string): Promise<ResolvedTarget> {
  const { baseRef, baseCommit } = target;
  const names =
    baseRef === undefined || baseCommit !== undefined ? ['HEAD'] : candidatesOf(baseRef);
  const listed = await git.remote({
    args: ['ls-remote', '--', url, ...names],
    timeoutMs: remoteTimeoutMs,
  });
  if (listed.exitCode !== 0) {
    const why = listed.timedOut ? 'it did not answer within 20 s' : gitMessage(listed);
    throw new AppError('REPOSITORY_NOT_FOUND', `${url} cannot be reached: ${why}`);
  }
  if (baseCommit !== undefined) return { repository: url, baseCommit };
  const commit = pickRef(listed.stdout.toString(), names);
  if (commit !== undefined && commit.length !== 40) throw unsupportedHash(url);
  if (commit !== undefined) return { repository: url, baseCommit: commit };
  // No host lists single commits; whether it has this one shows when it is fetched.
  if (baseRef !== undefined && fullId.test(baseRef))
    return { repository: url, baseCommit: baseRef };
  throw noSuchRef(url, baseRef);
}

/** Full names that a short one may stand for, the one that counts first. An annotated tag stands for its commit (`^{}`). */
function candidatesOf(ref: string): string[] {
  if (ref === 'HEAD') return ['HEAD'];
  if (ref.startsWith('refs/')) return [`${ref}^{}`, ref];
  return [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`];
}

/** Picks the commit of the first name that `git ls-remote` listed. */
export function pickRef(listing: string, names: readonly string[]): string | undefined {
  const commits = new Map(
    listing.split('\n').map((line) => {
      const [commit = '', name = ''] = line.split('\t');
      return [name, commit] as const;
    }),
  );
  const name = names.find((candidate) => commits.has(candidate));
  return name === undefined ? undefined : commits.get(name);
}

function noSuchRef(repository: string, ref: string | undefined): AppError {
  return ref === undefined
    ? new AppError('REF_NOT_FOUND', `${repository} has no commit yet. Make a first commit there.`)
    : new AppError(
        'REF_NOT_FOUND',
        `${repository} has no branch, tag or commit ${ref}. \`git -C ${repository} branch -a\` lists branches.`,
      );
}

function unsupportedHash(repository: string): AppError {
  return new AppError(
    'NOT_A_GIT_REPOSITORY',
    `${repository} uses SHA-256 object names; only SHA-1 ones are supported.`,
  );
}
