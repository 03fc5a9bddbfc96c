/** Small real git repositories, and what a test asks of them afterwards. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Nothing of the machine's own git configuration; a fixed author. */
const gitEnv = {
  PATH: process.env['PATH'] ?? '',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
};

/** Runs git in a repository. @throws Error when it fails */
export function git(repository: string, ...args: readonly string[]): string {
  const options = { cwd: repository, env: gitEnv, encoding: 'utf8', stdio: 'pipe' } as const;
  // A file may hold all that an agent has seen.
  const maxBuffer = 64 * 1024 ** 2;
  return execFileSync('git', args, { ...options, maxBuffer }).trimEnd();
}

/** Makes repositories `repository-00`, `repository-01` … in one new folder; each has one commit on `main` and clean. */
export function makeRepositories(count: number): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-repositories-'));
  return Array.from({ length: count }, (_, place) => {
    const repository = join(folder, `repository-${String(place).padStart(2, '0')}`);
    mkdirSync(join(repository, 'src'), { recursive: true });
    git(repository, 'init', '--quiet', '--initial-branch=main');
    writeFileSync(join(repository, 'README.md'), `# Repository ${place}\n`);
    writeFileSync(join(repository, 'src', 'index.js'), `export const place = ${place};\n`);
    commitAll(repository, 'first');
    return repository;
  });
}

/** Makes one repository. */
export function makeRepository(): string {
  const [repository = ''] = makeRepositories(1);
  return repository;
}

/** Commits everything in the work tree; answers the commit. */
export function commitAll(repository: string, message: string): string {
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--message', message);
  return git(repository, 'rev-parse', 'HEAD');
}

/** Names of the branches that ado has delivered. */
export function deliveredBranches(repository: string): string[] {
  const names = git(repository, 'for-each-ref', '--format=%(refname:short)', 'refs/heads/ado/');
  return names.split('\n').filter((name) => name !== '');
}

/** Number of commits on a branch that are not on `main`. */
export function countCommits(repository: string, branch: string): number {
  return Number(git(repository, 'rev-list', '--count', `main..${branch}`));
}

/** What `git fsck --strict` has to say; empty when the repository is sound. */
export function fsck(repository: string): string {
  const args = ['fsck', '--strict', '--no-progress', '--no-dangling'];
  const options = { cwd: repository, env: gitEnv, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync('git', args, options);
  // A notice tells of an unborn branch, which every mirror has by design.
  const complaints = `${stdout}${stderr}`.split('\n').filter((line) => !/^(notice:|$)/.test(line));
  return status === 0 ? complaints.join('\n') : `exit ${String(status)}: ${complaints.join('\n')}`;
}

/** Lock files that somebody has left in a git folder. */
export function staleLocks(gitFolder: string): string[] {
  return readdirSync(gitFolder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.lock'),
  );
}

/** Everything of a repository that belongs to its user: HEAD, own branches, the index's bytes, and all files with content. */
export function userState(repository: string): object {
  const files = readdirSync(repository, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(repository, '.git')))
    .sort();
  const hash = (path: string): string =>
    createHash('sha256').update(readFileSync(path)).digest('hex');
  return {
    head: readFileSync(join(repository, '.git', 'HEAD'), 'utf8'),
    index: hash(join(repository, '.git', 'index')),
    files: Object.fromEntries(files.map((path) => [path, hash(path)])),
    branches: git(repository, 'for-each-ref', '--format=%(refname) %(objectname)')
      .split('\n')
      .filter((line) => !line.startsWith('refs/heads/ado/')),
  };
}
