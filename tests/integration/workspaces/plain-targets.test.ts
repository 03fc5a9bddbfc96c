/**
 * Targets that are answered without git are answered as git would.
 *   - branches, tags, full ids and HEAD: loose, packed, of linked work trees and bare repositories
 *   - git is asked wherever a name may mean anything else, or its commit is not surely there
 */
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createResolve } from '../../../adapters/workspaces/targets.ts';
import { commitAll, git, makeRepository } from '../../support/repositories.ts';

let repository: string;
/** Where other repositories and work trees may be made. */
let folder: string;
beforeEach(() => {
  repository = makeRepository();
  folder = dirname(repository);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Resolves; 'asks git' when it does not answer by itself. */
async function resolved(path: string, baseRef?: string): Promise<string> {
  const refuse = () => Promise.reject(new Error('asks git'));
  const resolve = createResolve({ run: refuse, script: refuse, remote: refuse });
  return resolve({ repository: path, baseRef }).then(
    ({ baseCommit }) => baseCommit,
    (error: unknown) => (error as Error).message,
  );
}

const saysGit = (path: string, ref = 'HEAD'): string =>
  git(path, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);

function commit(name: string): string {
  writeFileSync(join(repository, 'file'), name);
  return commitAll(repository, name);
}

/** Branches, tags and work trees of all plain kinds; answers what names them. */
function fillRepository(): string[] {
  git(repository, 'branch', 'same-as-folder');
  git(repository, 'tag', 'same-as-folder/light');
  git(repository, 'tag', 'release/light');
  git(repository, 'branch', 'feature/1.0_x+y-z');
  git(repository, 'tag', '--annotate', '--message', 'one', 'annotated');
  git(repository, 'tag', '--annotate', '--message', 'two', 'nested', 'annotated');
  const first = saysGit(repository);
  commit('second');
  return [
    ...['HEAD', 'main', 'same-as-folder', 'feature/1.0_x+y-z', 'heads/main', first],
    ...['refs/heads/main', 'refs/tags/same-as-folder/light', 'release/light'],
  ];
}

test('loose branches, tags and ids are answered as git answers them', async () => {
  for (const ref of fillRepository()) {
    expect([ref, await resolved(repository, ref)]).toEqual([ref, saysGit(repository, ref)]);
  }
});

test('packed ones too, annotated tags by the commit that they stand for', async () => {
  const names = [...fillRepository(), 'annotated', 'nested', 'refs/tags/nested'];
  git(repository, 'gc', '--quiet');
  expect(existsSync(join(repository, '.git', 'refs', 'heads', 'main'))).toBe(false);

  for (const ref of names) {
    expect([ref, await resolved(repository, ref)]).toEqual([ref, saysGit(repository, ref)]);
  }
});

test('of a packed branch that has moved, the new commit is taken', async () => {
  git(repository, 'pack-refs', '--all');
  const moved = commit('moved');

  expect(await resolved(repository, 'main')).toBe(moved);
  expect(await resolved(repository)).toBe(moved);
});

test('a commit is found in whichever pack it is', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => {
    const id = commit(name);
    if (name !== 'a') git(repository, 'repack', '--quiet', '-d');
    return id;
  });
  expect(readdirSync(join(repository, '.git', 'objects', 'pack')).length).toBeGreaterThan(4);

  for (const id of ids) expect(await resolved(repository, id)).toBe(id);
});

test('a linked work tree has a HEAD of its own and shares the branches', async () => {
  const linked = join(folder, 'linked');
  git(repository, 'worktree', 'add', '--quiet', '--detach', linked);
  const next = commit('next');

  expect(await resolved(linked)).toBe(saysGit(linked));
  expect(await resolved(linked)).not.toBe(next);
  expect(await resolved(linked, 'main')).toBe(next);
});

test('bare and detached repositories have a HEAD too', async () => {
  const bare = join(folder, 'bare.git');
  git(folder, 'clone', '--quiet', '--bare', repository, bare);
  git(repository, 'switch', '--quiet', '--detach');
  const detached = commit('detached');

  expect(await resolved(bare)).toBe(saysGit(bare));
  expect(await resolved(repository)).toBe(detached);
});

test.each([
  'HEAD~1',
  'main^',
  'main@{0}',
  '@',
  ':/first',
  'nope',
  'main.lock',
  'main/',
  'refs/heads/nope',
  'FETCH_HEAD',
  '1'.repeat(40),
])('git is asked for %s', async (ref) => {
  commit('second');

  expect(await resolved(repository, ref)).toBe('asks git');
});

test('git is asked for a short id, and for the full id of anything but a commit', async () => {
  git(repository, 'tag', '--annotate', '--message', 'one', 'annotated');
  const [tree, tag] = ['HEAD^{tree}', 'annotated'].map((name) =>
    git(repository, 'rev-parse', name),
  );

  for (const id of [saysGit(repository).slice(0, 12), tree, tag]) {
    expect(await resolved(repository, id)).toBe('asks git');
  }
  git(repository, 'gc', '--quiet');
  for (const id of [tree, tag]) expect(await resolved(repository, id)).toBe('asks git');
});

const odd: Record<string, (gitDir: string) => string | undefined> = {
  'a loose annotated tag': () => {
    git(repository, 'tag', '--annotate', '--message', 'one', 'v1');
    return 'v1';
  },
  'a tag of a tree': () => {
    git(repository, 'tag', 'tree', 'HEAD^{tree}');
    return 'tree';
  },
  'a packed annotated tag of a tree': () => {
    git(repository, 'tag', '--annotate', '--message', 'one', 'tree', 'HEAD^{tree}');
    git(repository, 'pack-refs', '--all');
    return 'tree';
  },
  'a branch and a tag of one name': () => {
    git(repository, 'branch', 'both');
    git(repository, 'tag', 'both');
    return 'both';
  },
  'a branch named like a file of git': () => {
    git(repository, 'branch', 'description');
    return 'description';
  },
  'a branch that is another name of one': () => {
    git(repository, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
    return 'alias';
  },
  'a branch that is a link': (gitDir) => {
    symlinkSync('refs/heads/main', join(gitDir, 'refs', 'heads', 'link'));
    return 'link';
  },
  'an empty ref': (gitDir) => {
    git(repository, 'pack-refs', '--all');
    writeFileSync(join(gitDir, 'refs', 'heads', 'main'), '');
    return 'main';
  },
  'a remote branch': (gitDir) => {
    git(repository, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
    expect(existsSync(join(gitDir, 'refs', 'remotes', 'origin', 'main'))).toBe(true);
    return 'origin/main';
  },
  'a HEAD without a commit': () => {
    git(repository, 'symbolic-ref', 'HEAD', 'refs/heads/unborn');
    return undefined;
  },
  'a HEAD that is no ref': (gitDir) => {
    writeFileSync(join(gitDir, 'HEAD'), 'refs/heads/main\n');
    return 'main';
  },
  'a format with extensions': () => {
    git(repository, 'config', 'extensions.worktreeConfig', 'true');
    return 'main';
  },
  'a format that is not known': () => {
    git(repository, 'config', 'core.repositoryFormatVersion', '1');
    return 'main';
  },
  'a commit that is lost': (gitDir) => {
    rmSync(join(gitDir, 'objects', saysGit(repository).slice(0, 2)), { recursive: true });
    return 'main';
  },
  'a commit that is another one': (gitDir) => {
    const [path, other] = [saysGit(repository), commit('other')].map((id) =>
      join(gitDir, 'objects', id.slice(0, 2), id.slice(2)),
    ) as [string, string];
    rmSync(other);
    symlinkSync(path, other);
    return 'main';
  },
};

test.each(Object.keys(odd))('git is asked about %s', async (name) => {
  const ref = odd[name]?.(join(repository, '.git'));

  expect(await resolved(repository, ref)).toBe('asks git');
});

test('git is asked about borrowed commits, and ids of SHA-256', async () => {
  const borrower = join(folder, 'borrower');
  git(folder, 'clone', '--quiet', '--shared', repository, borrower);
  const sha256 = join(folder, 'sha256');
  mkdirSync(sha256);
  git(sha256, 'init', '--quiet', '--object-format=sha256');
  git(sha256, 'commit', '--quiet', '--allow-empty', '--message', 'first');

  expect(await resolved(borrower)).toBe('asks git');
  expect(await resolved(sha256)).toBe('asks git');
});
