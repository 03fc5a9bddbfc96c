// Files are read from the commit, never from the work tree.
//   - names of all plain files, contents of those asked for; what the agent has written since is not seen
//   - a link, and a file too large for what it says it is, are not read
//   - after a commit the work's own files are read, and those of the base by its id
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll } from '../../support/repositories.ts';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

test('what is committed is read, not what lies in the work tree', async () => {
  const world = createWorld();
  writeFileSync(join(world.repository, 'package.json'), '{"näme":"été"}\n\n');
  writeFileSync(join(world.repository, 'go.mod'), 'm'.repeat(600_000));
  symlinkSync(join(world.homeDir, 'secret'), join(world.repository, 'Makefile'));
  const headCommit = commitAll(world.repository, 'manifests');
  const workspace = await world.prepare('task', { headCommit });
  await world.sh(workspace, 'echo changed > package.json; echo new > Cargo.toml');
  const wanted = ['package.json', 'Makefile', 'go.mod', 'Cargo.toml'];

  const files = await world.workspaces.readCommitted(workspace, { wanted });

  expect(files.paths).toEqual(['README.md', 'go.mod', 'package.json', 'src/index.js']);
  expect(files.texts).toEqual({ 'package.json': '{"näme":"été"}\n\n' });
});

test('the work is read as it was last committed, the base by its id', async () => {
  const world = createWorld();
  const workspace = await world.prepare('task');
  await world.sh(workspace, 'echo all: > Makefile; echo two > README.md');
  await world.commit(workspace);
  const wanted = ['README.md', 'Makefile'];

  const work = await world.workspaces.readCommitted(workspace, { wanted });
  const base = await world.workspaces.readCommitted(workspace, {
    commit: world.baseCommit,
    wanted,
  });

  expect(work.texts).toEqual({ 'README.md': 'two\n', Makefile: 'all:\n' });
  expect(base.texts).toEqual({ 'README.md': '# Repository 0\n' });
});
