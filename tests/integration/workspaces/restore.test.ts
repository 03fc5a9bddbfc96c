/**
 * A work tree goes back to its commit.
 *   - what is new, changed or gone since is as it was; what git ignores stays
 *   - commits of the task count as its own, and there is nothing to commit afterwards
 *   - whatever a program put there, nothing of it runs on the host, and nothing outside is touched
 */
import { existsSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

test('what is new, changed or gone is as it was, and what is ignored stays', async () => {
  const { workspaces, prepare, sh, commit } = createWorld();
  const workspace = await prepare('task');
  await sh(workspace, 'echo cache >.gitignore; echo work >work.txt');
  const { commit: head } = await commit(workspace);
  const current = { ...workspace, headCommit: head };
  const mess = [
    'mkdir -p cache report/deep; echo kept >cache/file; echo new >report/deep/file',
    'echo changed >>work.txt; chmod +x README.md; rm src/index.js; rm -r src; echo x >src',
    'git init -q nested; echo y >nested/file; ln -s /etc/passwd link',
  ].join('; ');
  await sh(current, mess);

  await workspaces.restore(current);
  await workspaces.restore(current);

  expect(readdirSync(current.path).sort()).toEqual([
    ...['.git', '.gitignore', 'README.md', 'cache', 'src', 'work.txt'],
  ]);
  expect(readFileSync(join(current.path, 'work.txt'), 'utf8')).toBe('work\n');
  expect(readFileSync(join(current.path, 'cache', 'file'), 'utf8')).toBe('kept\n');
  expect(existsSync(join(current.path, 'src', 'index.js'))).toBe(true);
  expect(lstatSync(join(current.path, 'README.md')).mode & 0o111).toBe(0);
  const again = await commit(current, { effectId: 'effect-2' });
  expect(again).toMatchObject({ committed: false, commit: head });
});

test('a tree that was made to hurt is restored without harm', async () => {
  const { workspaces, prepare, sh, commit, outside } = createWorld();
  const victim = join(outside, 'victim');
  const canary = join(outside, 'canary');
  writeFileSync(victim, 'whole');
  const workspace = await prepare('task');
  const run = `#!/bin/sh\necho ran >${canary}\n`;
  const plant = [
    `printf '${run}' >evil; chmod +x evil`,
    'rm .git; mkdir -p .git/hooks; cp evil .git/hooks/post-checkout; cp evil .git/hooks/post-index-change',
    'printf \'[core]\\n\\tfsmonitor = ./evil\\n\\tworktree = /\\n[filter "x"]\\n\\tsmudge = ./evil\\n\\tclean = ./evil\\n\' >.git/config',
    "echo '* filter=x' >.gitattributes",
    `rm README.md; ln -s ${victim} README.md; rm -r src; ln -s ${outside} src`,
  ].join('\n');
  expect(await sh(workspace, plant)).toMatchObject({ exitCode: 0 });

  await workspaces.restore(workspace);

  expect(existsSync(canary)).toBe(false);
  expect(readFileSync(victim, 'utf8')).toBe('whole');
  expect(readdirSync(outside)).toEqual(['victim']);
  expect(lstatSync(join(workspace.path, 'README.md')).isFile()).toBe(true);
  expect(lstatSync(join(workspace.path, 'src')).isDirectory()).toBe(true);
  expect(await commit(workspace)).toMatchObject({ committed: false });
});
