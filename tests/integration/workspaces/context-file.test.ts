/**
 * Instructions that a repository has for one agent reach the others, and stay out of its commits.
 *   - a copy stands where the repository has none for this agent; asked again, it is the same one
 *   - the copy is not committed, not even where .gitignore says the contrary; a copy that was changed is work
 *   - what the repository has, or what stands there already, is neither written to nor left out
 *   - a link is neither followed nor replaced
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shareContextFile } from '../../../adapters/agents/context-file.ts';
import type { UncommittedFile, Workspace } from '../../../adapters/ports.ts';
import { commitAll, git } from '../../support/repositories.ts';
import { createWorld, endWorlds, type World } from './world.ts';

afterAll(endWorlds);

function share(
  { workspaces }: World,
  workspace: Workspace,
  contextFile = 'CLAUDE.md',
): Promise<UncommittedFile | undefined> {
  return shareContextFile(contextFile, (run) =>
    workspaces.run(workspace, { ...run, sandbox: 'bubblewrap' }),
  );
}

/** A world whose repository has these files too. */
function createWorldWith(files: Readonly<Record<string, string>>): World {
  const world = createWorld();
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(world.repository, name), text);
  return { ...world, baseCommit: commitAll(world.repository, 'instructions') };
}

async function prepare(world: World): Promise<Workspace> {
  const { workspaces, repository, baseCommit } = world;
  const target = { repository, baseCommit, headCommit: baseCommit };
  return workspaces.prepare({ key: 'task', branch: 'ado/task', ...target });
}

test('a copy of the instructions is shared, and is no part of the commit', async () => {
  const world = createWorldWith({ 'AGENTS.md': 'Use tabs.\n', '.gitignore': '!CLAUDE.md\n' });
  const workspace = await prepare(world);

  const copy = await share(world, workspace);
  const again = await share(world, workspace);
  await world.sh(workspace, 'cat CLAUDE.md > seen');
  const { baseCommit } = world;
  const exclude = [copy].filter((one) => one !== undefined);
  const result = await world.commit(workspace, { baseCommit, exclude });

  expect(copy).toEqual({ path: 'CLAUDE.md', blobId: expect.any(String) as string });
  expect(again).toEqual(copy);
  expect(result).toMatchObject({ committed: true, diffStat: { files: 1, insertions: 1 } });
  expect(result.patch).toContain('+Use tabs.');
  expect(result.patch).not.toContain('CLAUDE.md');
});

test('with nothing but the copy, nothing changed', async () => {
  const world = createWorldWith({ 'GEMINI.md': 'Use tabs.\n' });
  const workspace = await prepare(world);
  const copy = await share(world, workspace, 'AGENTS.md');

  const exclude = [copy].filter((one) => one !== undefined);
  const result = await world.commit(workspace, { baseCommit: world.baseCommit, exclude });

  expect(exclude).toHaveLength(1);
  expect(result).toMatchObject({ committed: false, commit: world.baseCommit });
});

test('a copy that the agent changed is its work', async () => {
  const world = createWorldWith({ 'AGENTS.md': 'Use tabs.\n' });
  const workspace = await prepare(world);
  const copy = await share(world, workspace);
  await world.sh(workspace, 'echo "Use spaces." >> CLAUDE.md');

  const again = await share(world, workspace);
  const exclude = [copy].filter((one) => one !== undefined);
  const result = await world.commit(workspace, { baseCommit: world.baseCommit, exclude });

  expect(again).toBeUndefined();
  expect(result.patch).toContain('+Use spaces.');
});

test('a formatter changes original and copy alike, and only the original is work', async () => {
  const world = createWorldWith({ 'AGENTS.md': 'Use tabs.\n' });
  const workspace = await prepare(world);
  await share(world, workspace);
  await world.sh(workspace, 'sed -i "s/tabs/spaces/" AGENTS.md CLAUDE.md');

  const copy = await share(world, workspace);
  const exclude = [copy].filter((one) => one !== undefined);
  const result = await world.commit(workspace, { baseCommit: world.baseCommit, exclude });

  expect(result).toMatchObject({ committed: true, diffStat: { files: 1 } });
  expect(result.patch).not.toContain('CLAUDE.md');
});

test('a file of the repository is left as it is, and its changes are committed', async () => {
  const world = createWorldWith({ 'AGENTS.md': 'Use tabs.\n', 'CLAUDE.md': 'Use spaces.\n' });
  const workspace = await prepare(world);

  const copy = await share(world, workspace);
  await world.sh(workspace, 'cp AGENTS.md CLAUDE.md');
  const blobId = git(world.repository, 'rev-parse', 'HEAD:AGENTS.md');
  const result = await world.commit(workspace, {
    baseCommit: world.baseCommit,
    exclude: [{ path: 'CLAUDE.md', blobId }],
  });

  expect(copy).toBeUndefined();
  expect(result).toMatchObject({ committed: true, diffStat: { files: 1 } });
});

test('where the repository has no instructions at all, nothing is written', async () => {
  const world = createWorld();
  const workspace = await prepare(world);

  expect(await share(world, workspace)).toBeUndefined();
  expect((await world.sh(workspace, 'ls CLAUDE.md')).exitCode).not.toBe(0);
});

test('a link in the tree is neither followed nor replaced', async () => {
  const world = createWorldWith({ 'GEMINI.md': 'Use tabs.\n' });
  const workspace = await prepare(world);
  const target = join(world.outside, 'target');
  writeFileSync(target, 'untouched');
  await world.sh(workspace, 'ln -s "$TARGET" CLAUDE.md; ln -s "$TARGET" AGENTS.md', {
    env: { TARGET: target },
  });

  expect(await share(world, workspace, 'CLAUDE.md')).toBeUndefined();
  expect(await share(world, workspace, 'AGENTS.md')).toBeUndefined();
  expect(readFileSync(target, 'utf8')).toBe('untouched');
});
