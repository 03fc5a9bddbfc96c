// What a plan reads of base commits before anything is prepared.
//   - of a repository on this machine what is committed, whatever lies in its work tree
//   - nothing that its configuration names is run, also where it lacks objects
//   - a repository that is elsewhere, and a commit that is not there, are no errors
//   - a hundred repositories are read in seconds
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commitAll, git, makeRepositories } from '../../support/repositories.ts';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

const wanted = ['package.json'];

test('what is committed is read, not what lies in the work tree', async () => {
  const { workspaces, repository } = createWorld();
  writeFileSync(join(repository, 'package.json'), '{"scripts":{}}');
  const baseCommit = commitAll(repository, 'manifest');
  writeFileSync(join(repository, 'package.json'), 'changed');

  const files = await workspaces.readBase({ repository, baseCommit, wanted });

  expect(files).toEqual({
    paths: ['README.md', 'package.json', 'src/index.js'],
    texts: { 'package.json': '{"scripts":{}}' },
  });
});

test('what a configuration names is not run, also to fetch what is missing', async () => {
  const { workspaces, repository, outside } = createWorld();
  writeFileSync(join(repository, 'package.json'), '{"name":"gone"}');
  const baseCommit = commitAll(repository, 'manifest');
  const id = git(repository, 'rev-parse', 'HEAD:package.json');
  rmSync(join(repository, '.git', 'objects', id.slice(0, 2), id.slice(2)));
  const ran = join(outside, 'ran');
  git(repository, 'config', 'core.repositoryFormatVersion', '1');
  git(repository, 'config', 'extensions.partialClone', 'origin');
  git(repository, 'config', 'remote.origin.promisor', 'true');
  git(repository, 'config', 'remote.origin.url', `ext::sh -c "touch ${ran}"`);
  git(repository, 'config', 'protocol.ext.allow', 'always');

  const files = await workspaces.readBase({ repository, baseCommit, wanted });

  expect(existsSync(ran)).toBe(false);
  expect(files?.texts ?? {}).toEqual({});
});

test('a repository that is elsewhere, and a commit that is not there, are no errors', async () => {
  const { workspaces, repository, baseCommit } = createWorld();
  const gone = mkdtempSync(join(tmpdir(), 'ado-test-none-'));

  const read = await Promise.all([
    workspaces.readBase({ repository: 'https://host.example/a.git', baseCommit, wanted }),
    workspaces.readBase({ repository: gone, baseCommit, wanted }),
    workspaces.readBase({ repository, baseCommit: '1'.repeat(40), wanted }),
  ]);

  expect(read).toEqual([undefined, undefined, undefined]);
});

test('a hundred repositories are read in seconds', async () => {
  const { workspaces } = createWorld();
  const repositories = makeRepositories(100).map((repository) => ({
    repository,
    baseCommit: git(repository, 'rev-parse', 'HEAD'),
  }));
  const startedAt = performance.now();

  const read = await Promise.all(
    repositories.map((base) => workspaces.readBase({ ...base, wanted: ['README.md'] })),
  );

  expect(read.every((files) => files?.texts['README.md']?.startsWith('# Repository'))).toBe(true);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
});
