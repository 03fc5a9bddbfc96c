/**
 * A turn by the Agent Client Protocol, in the sandbox, with an agent that the repository brings along.
 *   - permissions are given, once each time; where no option allows, the call is told as denied
 *   - all that it tells before its last word is heard, in its order; what no version of the protocol has is passed over
 *   - a session that is gone on with is loaded, and what it repeats is not told again
 *   - a lost session and a refusal fail the turn, an early end is a death; each with its reason
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCodingAgents } from '../../../adapters/agents/create-coding-agents.ts';
import { commitAll } from '../../support/repositories.ts';
import { playTurn, type PlayedTurn } from '../../../worker/play-turn.ts';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

/** Does what the prompt's words say; its sessions are files in its home. */
const agentSource = `
import { createInterface } from 'node:readline';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const session = (id) => process.env.HOME + '/' + id;
const waiting = new Map();
let id = 0;
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const ask = (method, params) => new Promise((resolve) => { waiting.set(++id, resolve); send({ id, method, params }); });
const update = (sessionId, update) => send({ method: 'session/update', params: { sessionId, update } });
const say = (sessionId, text) => update(sessionId, { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
const options = { allow: [{ optionId: 'no', name: 'No', kind: 'reject_once' }, { optionId: 'always', name: 'Always', kind: 'allow_always' }, { optionId: 'yes', name: 'Yes', kind: 'allow_once' }], deny: [{ optionId: 'no', name: 'No', kind: 'reject_once' }] };
const methods = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: { loadSession: true } }),
  'session/new': ({ cwd }) => { writeFileSync(session('s-1'), ''); return { sessionId: 's-1' }; },
  'session/load': ({ sessionId }) => {
    if (!existsSync(session(sessionId))) throw { code: -32603, message: 'Internal error', data: { details: 'No such session.' } };
    say(sessionId, 'repeated');
    return {};
  },
  'session/prompt': async ({ sessionId, prompt: [{ text }] }) => {
    const before = readFileSync(session(sessionId), 'utf8');
    writeFileSync(session(sessionId), before + text + ';');
    if (text.includes('die')) process.exit(7);
    if (text.includes('refuse')) return { stopReason: 'refusal' };
    for (const kind of ['allow', 'deny'].filter((kind) => text.includes(kind))) {
      const toolCall = { toolCallId: kind, title: 'touch ' + kind, kind: 'execute', rawInput: { command: kind } };
      const { outcome } = await ask('session/request_permission', { sessionId, toolCall, options: options[kind] });
      if (outcome.optionId === 'yes') writeFileSync('made', 'made\\n');
      update(sessionId, { sessionUpdate: 'tool_call_update', toolCallId: kind, status: outcome.optionId === 'yes' ? 'completed' : 'failed', content: [] });
    }
    if (text.includes('count')) {
      update(sessionId, { sessionUpdate: 'of_tomorrow' });
      for (let i = 0; i < 100; i++) update(sessionId, { sessionUpdate: 'tool_call_update', toolCallId: 'call-' + i, title: 'count' });
    }
    say(sessionId, 'Done, after: ');
    say(sessionId, before);
    return { stopReason: 'end_turn' };
  },
};
console.log('a greeting that is no message');
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === undefined) return waiting.get(id)?.(result);
  try { send({ id, result: await methods[method](params) }); } catch (error) { send({ id, error }); }
});
`;

const agent = createCodingAgents({ agentsDir: '/nowhere', toolPath: '' }).acp;

async function createPlayer() {
  const world = createWorld();
  writeFileSync(join(world.repository, 'agent.mjs'), agentSource);
  const baseCommit = commitAll(world.repository, 'an agent');
  const { workspaces, repository } = world;
  const workspace = await workspaces.prepare({
    ...{ key: 'task', branch: 'ado/task', repository },
    ...{ baseCommit, headCommit: baseCommit },
  });
  const folder = join(world.outside, 'agent');
  mkdirSync(folder);
  const play = async (prompt: string, sessionId?: string): Promise<PlayedTurn> =>
    playTurn({
      ...{ workspaces, workspace, agent, folder, timeoutMs: 30_000, sandbox: 'bubblewrap' },
      installed: await agent.find(),
      modelPort: 9,
      turn: { prompt, model: 'm', sessionId, exec: 'node agent.mjs', instructions: '' },
    });
  return { play, sh: async (command: string) => world.sh(workspace, command) };
}

test('permissions are given once, and a call that nothing allows is told as denied', async () => {
  const { play, sh } = await createPlayer();

  const { events, end } = await play('allow and deny');

  expect(end).toEqual({
    outcome: 'done',
    text: 'Done, after: ',
    sessionId: 's-1',
    deniedCalls: ['touch deny'],
  });
  expect(events).toEqual([
    { kind: 'session', sessionId: 's-1' },
    ...[
      ['allow', false],
      ['deny', true],
    ].flatMap(([kind, isError]) => [
      {
        ...{ kind: 'tool-call', callId: kind, name: 'execute', summary: `touch ${String(kind)}` },
        input: { command: kind },
      },
      { kind: 'tool-result', callId: kind, text: '', isError },
    ]),
    { kind: 'text', text: 'Done, after: ' },
  ]);
  expect((await sh('cat made')).stdout).toBe('made\n');
});

test('all that it tells before its last word is heard, in its order', async () => {
  const { play } = await createPlayer();

  const { events, end } = await play('count');

  const calls = events.flatMap((event) => (event.kind === 'tool-call' ? [event.callId] : []));
  expect(calls).toEqual(Array.from({ length: 100 }, (_, i) => `call-${String(i)}`));
  expect(events.at(-1)).toEqual({ kind: 'text', text: 'Done, after: ' });
  expect(end.outcome).toBe('done');
});

test('a later turn goes on with the session, and tells nothing of it again', async () => {
  const { play } = await createPlayer();

  const first = await play('one');
  const second = await play('two', first.end.sessionId);

  expect(second.end).toMatchObject({ outcome: 'done', text: 'Done, after: one;' });
  expect(JSON.stringify(second.events)).not.toContain('repeated');
});

test.each([
  ['lost', { prompt: 'one', sessionId: 's-lost' }, 'Internal error: No such session.'],
  ['refused', { prompt: 'refuse', sessionId: undefined }, 'The agent stopped: refusal.'],
])('a turn that was %s has failed, and says why', async (_, { prompt, sessionId }, text) => {
  const { play } = await createPlayer();

  const { end } = await play(prompt, sessionId);

  expect(end).toMatchObject({ outcome: 'failed', text });
});

test('an agent that ended before its turn has died, and it says how', async () => {
  const { play } = await createPlayer();

  const { end } = await play('die');

  const text = 'The agent ended before its turn was over (exit code 7).';
  expect(end).toMatchObject({ outcome: 'died', text });
});
