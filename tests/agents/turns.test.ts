// The vendors' real programs in the real sandbox, their models played by the emulator: `npm run test:agents`.
//   - a turn changes the work tree, and its change becomes a commit; nothing else of the agent does
//   - a later turn goes on with the conversation of the one before
//   - what the provider refuses ends the turn with the provider's words
//   - the agent is told ado's rules and the repository's own; no secret of the worker's environment reaches it
//   - an agent that is ended leaves no process behind
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCodingAgents } from '../../adapters/agents/create-coding-agents.ts';
import type { CommitResult, UncommittedFile, Workspace } from '../../adapters/ports.ts';
import {
  createWorkspaces,
  type HostWorkspaces,
} from '../../adapters/workspaces/create-workspaces.ts';
import { agentWires } from '../../cli/emulator/agent-wires.ts';
import { startEmulator, type Emulator } from '../../cli/emulator/emulator.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import { findAgentsDir, installableAgents } from '../../config/agent-programs.ts';
import { playTurn, type PlayedTurn } from '../../worker/play-turn.ts';
import { processesIn } from '../support/process-table.ts';
import { commitAll, git, makeRepository } from '../support/repositories.ts';
import { whichAgents } from './programs.ts';

const canary = 'canary-3f9a77d2c1';
const secrets = { SOME_API_KEY: canary, DATABASE_URL: `postgresql://ado:${canary}@127.0.0.1/ado` };
const rules = 'RULE-OF-ADO: change little.';

/** Each writes `hello.txt`, and tells its whole environment in `environment.txt`. */
const shellText = 'echo hello > hello.txt; env > environment.txt; echo said';
const given = [
  ...installableAgents.map((agent) => ({ kind: agent, speaks: agent, exec: undefined })),
  { kind: 'acp', speaks: 'gemini', exec: 'exec gemini --acp' },
] as const;

const agents = createCodingAgents({
  agentsDir: findAgentsDir(process.env),
  toolPath: process.env['PATH'] ?? '',
});
const has = whichAgents();

describe.each(given)('$kind', ({ kind, speaks, exec }) => {
  const { model, shell } = agentWires[speaks];
  const suite = has(kind) ? test : test.skip;
  const agent = agents[kind];
  let root: string;
  let emulator: Emulator;
  let workspaces: HostWorkspaces;

  beforeAll(() => {
    Object.assign(process.env, secrets);
  });
  afterAll(() => {
    for (const name of Object.keys(secrets)) Reflect.deleteProperty(process.env, name);
  });
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'ado-test-turn-'));
    emulator = await startEmulator({ port: 0 });
    workspaces = createWorkspaces({
      dataDir: join(root, 'data'),
      homeDir: process.env['HOME'] ?? root,
      toolPath: process.env['PATH'] ?? '',
      allowUnsandboxed: false,
      crashpoint: () => Promise.resolve(),
    });
  });
  afterEach(async () => {
    workspaces.close();
    await emulator.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** A worktree of a repository with these files, and what is done in it. */
  async function prepare(files: Readonly<Record<string, string>> = {}) {
    const repository = makeRepository();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(repository, name), text);
    const baseCommit =
      Object.keys(files).length === 0
        ? git(repository, 'rev-parse', 'HEAD')
        : commitAll(repository, 'more');
    const workspace = await workspaces.prepare({
      ...{ key: 'task', branch: 'ado/task', repository },
      ...{ baseCommit, headCommit: baseCommit },
    });
    const folder = join(root, 'agent');
    mkdirSync(folder);
    const asked: Buffer[] = [];
    const play = async (
      prompt: string,
      sessionId?: string,
      timeoutMs = 60_000,
    ): Promise<PlayedTurn> =>
      playTurn({
        ...{ workspaces, workspace, agent, folder, timeoutMs },
        installed: await agent.find(),
        modelPort: emulator.port,
        turn: { prompt, model, sessionId, exec, instructions: rules },
        sandbox: 'bubblewrap',
        onAsked: (bytes) => asked.push(bytes),
      });
    return {
      ...{ workspace, play },
      asked: () => Buffer.concat(asked).toString(),
      commit: (exclude: readonly UncommittedFile[]) => commit(workspace, baseCommit, exclude),
    };
  }

  async function commit(
    workspace: Workspace,
    baseCommit: string,
    exclude: readonly UncommittedFile[],
  ): Promise<CommitResult> {
    return workspaces.commit(workspace, {
      ...{ message: 'Work', date: new Date(0), effectId: 'e', branch: 'ado/task' },
      ...{ baseCommit, exclude },
    });
  }

  function use(script: object): void {
    emulator.useScript(parseScript('script.json', JSON.stringify(script)));
  }

  suite('its turn changes the tree, and only its work becomes a commit', async () => {
    use({
      answers: [
        { when: { turn: 1 }, text: 'I begin.', toolCalls: [shell(shellText)] },
        { text: 'All is done.' },
      ],
    });
    const { play, commit, asked } = await prepare({ 'MORE.md': 'more\n' });

    const { events, end } = await play('Write hello.txt.');
    const work = await commit([]);
    const counts = await emulator.counts();

    expect(end).toMatchObject({ outcome: 'done', text: 'All is done.', deniedCalls: [] });
    expect(events).toContainEqual({ kind: 'session', sessionId: end.sessionId });
    expect(events.filter(({ kind }) => kind === 'tool-call')).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === 'tool-result')).toMatchObject([{ isError: false }]);
    expect(events.filter(({ kind }) => kind === 'unknown')).toEqual([]);
    expect(work.patch).toContain('+hello');
    expect(work.patch.match(/^diff --git .*/gm)).toEqual([
      'diff --git a/environment.txt b/environment.txt',
      'diff --git a/hello.txt b/hello.txt',
    ]);
    expect(counts.outcomes.delivered).toBeGreaterThanOrEqual(2);
    expect(counts.outcomes.failed).toBe(0);
    expect(asked()).toContain(rules);
    expect(work.patch).not.toContain(canary);
    expect(asked()).not.toContain(canary);
  });

  suite('a later turn goes on with the conversation, or says that it cannot', async () => {
    use({ answers: [{ text: 'I have understood.' }] });
    const { play, asked } = await prepare();

    const first = await play('Remember the word xylophone.');
    const before = asked().length;
    const second = await play('Which word was it?', first.end.sessionId);

    if (kind === 'acp') {
      // Gemini does not find its own sessions when it is spoken to by the protocol (0.61.0). No call was spent on it.
      expect(second.end.outcome).toBe('failed');
      expect(asked().length).toBe(before);
      return;
    }
    expect(second.end).toMatchObject({ outcome: 'done', sessionId: first.end.sessionId });
    expect(asked().slice(before)).toContain('xylophone');
  });

  suite('what the provider refuses ends the turn with its words', async () => {
    use({
      answers: [{ text: 'never' }],
      faults: [{ error: { status: 400, message: 'This model is tired.' } }],
    });
    const { play } = await prepare();

    const { end } = await play('Write hello.txt.');

    expect(end.outcome).toBe('failed');
    expect(end.text).toContain('This model is tired.');
  });

  suite(
    "it finds the repository's instructions, and leaves the copy out of the commit",
    async () => {
      use({ answers: [{ text: 'Nothing to do.' }] });
      const source = agent.contextFile === 'AGENTS.md' ? 'CLAUDE.md' : 'AGENTS.md';
      const { workspace, play, commit, asked } = await prepare({
        [source]: 'REPOSITORY-RULE: tabs.\n',
      });

      const copy = await agent.shareContext((run) =>
        workspaces.run(workspace, { ...run, sandbox: 'bubblewrap' }),
      );
      await play('Look around.');
      const work = await commit(copy === undefined ? [] : [copy]);

      expect(copy).toMatchObject({ path: agent.contextFile });
      // An agent behind the protocol looks for files of its own.
      if (kind !== 'acp') expect(asked()).toContain('REPOSITORY-RULE');
      expect(work.committed).toBe(false);
    },
  );

  suite('ended in the middle, it leaves no process behind', async () => {
    use({ answers: [{ text: 'late' }], faults: [{ lateMs: 60_000 }] });
    const { play, workspace } = await prepare();

    const { end } = await play('Write hello.txt.', undefined, 8_000);

    expect(end.outcome).toBe('died');
    expect(processesIn(workspace.path)).toEqual([]);
  });
});
