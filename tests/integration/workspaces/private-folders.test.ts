// What agents leave in their work trees belongs to the worker's user, also with rights that programs are run with.
// So no other user of the machine comes near it.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

test('work trees and mirrors are in folders that are closed to other users, older ones too', async () => {
  const { prepare, sh, dataDir } = createWorld();
  for (const name of ['worktrees', 'mirrors']) {
    mkdirSync(join(dataDir, name), { recursive: true });
    chmodSync(join(dataDir, name), 0o755);
  }

  const workspace = await prepare('task');
  await sh(workspace, 'true');

  expect(modeOf(join(dataDir, 'worktrees'))).toBe('700');
  expect(modeOf(join(dataDir, 'mirrors'))).toBe('700');
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('a set-user-id file of an agent is of no use to another user', async () => {
  const { prepare, sh, dataDir } = createWorld();
  const workspace = await prepare('task');
  await sh(workspace, 'cp "$(command -v id)" id && chmod 4755 id');
  // The folder of the test is closed as well; that of a platform need not be.
  chmodSync(dirname(dataDir), 0o755);
  const program = join(workspace.path, 'id');
  const asNobody = () =>
    spawnSync(program, ['-u'], { uid: 65_534, gid: 65_534, cwd: '/', encoding: 'utf8' });

  const tried = asNobody();
  chmodSync(join(dataDir, 'worktrees'), 0o755);
  const opened = asNobody();

  expect(tried.error).toMatchObject({ code: 'EACCES' });
  // Nothing else stood in the way.
  expect(opened.stdout).toBe('0\n');
});
