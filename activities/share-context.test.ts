// What commits of a task leave out.
import type { SandboxRun } from '../adapters/ports.ts';
import { renewContext, shareContext } from './share-context.ts';

type Given = Parameters<typeof shareContext>;

const copy = { path: 'CLAUDE.md', blobId: 'a'.repeat(40) };
const workspace = { path: '/w', headCommit: 'b'.repeat(40) };

/** Agents whose every turn finds a copy, or none, in the sandbox that the task asks for. */
function createDeps(found: typeof copy | undefined, runs: Partial<SandboxRun>[]): Given[0] {
  const agent = {
    shareContext: async (run: (one: object) => Promise<unknown>) => {
      await run({ argv: ['look'], timeoutMs: 1 });
      return found;
    },
  };
  return {
    agents: { 'claude-code': agent },
    workspaces: {
      run: (_workspace: unknown, run: SandboxRun) => {
        runs.push(run);
        return Promise.resolve({ exitCode: 0 });
      },
    },
  } as unknown as Given[0];
}

function sessionOf(agent: string): Given[1] {
  const task = { agent, sandbox: 'bubblewrap' };
  return { task, signal: new AbortController().signal } as unknown as Given[1];
}

test('the copy of a program agent is left out, and looked for in the sandbox', async () => {
  const runs: Partial<SandboxRun>[] = [];

  const shared = await shareContext(createDeps(copy, runs), sessionOf('claude-code'), workspace);
  const none = await shareContext(createDeps(undefined, []), sessionOf('claude-code'), workspace);

  expect(shared).toEqual({ exclude: [copy] });
  expect(runs).toMatchObject([{ argv: ['look'], sandbox: 'bubblewrap' }]);
  expect(none).toEqual({});
});

test('after a command of others the copy is made anew, and only where there was one', async () => {
  const runs: Partial<SandboxRun>[] = [];
  const session = sessionOf('claude-code');
  const before = { exclude: [copy] };

  const renewed = await renewContext(createDeps(copy, runs), session, { workspace, before });
  const none: Partial<SandboxRun>[] = [];
  await renewContext(createDeps(undefined, none), session, { workspace, before: {} });

  expect(renewed).toEqual({ exclude: [copy] });
  expect(runs.map(({ argv }) => argv)).toEqual([['rm', '-f', '--', 'CLAUDE.md'], ['look']]);
  expect(runs[0]).toMatchObject({ sandbox: 'bubblewrap' });
  expect(none.map(({ argv }) => argv)).toEqual([['look']]);
});

test.each(['builtin', 'command'])('an agent of ado itself (%s) has no copy', async (agent) => {
  const runs: Partial<SandboxRun>[] = [];

  expect(await shareContext(createDeps(copy, runs), sessionOf(agent), workspace)).toEqual({});
  expect(runs).toEqual([]);
});
