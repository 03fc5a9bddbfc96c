// How the agents are started for a turn.
//   - prompts are not among the arguments, which every user of a machine can read, and which have a limit
//   - all that an agent needs of its model is the gateway's address: the key is a placeholder
//   - a conversation is gone on with by its id
//   - an agent that is not there is refused with the line that installs it
import { createCodingAgents } from './create-coding-agents.ts';
import { modelKey } from './model-key.ts';

const agents = createCodingAgents({ agentsDir: '/nowhere', toolPath: '' });
const installed = { version: '1', argv: ['/opt/agent'], readable: [] };
const turn = {
  prompt: '--help is what I want, -- and more',
  model: 'model-1',
  gatewayUrl: 'http://127.0.0.1:4321',
  sessionId: undefined,
  workPath: '/w/"quoted" tree',
  exec: 'my-agent --acp',
  instructions: 'Be brief.',
};
const kinds = ['claude-code', 'codex', 'gemini', 'acp'] as const;

test.each(kinds)('%s gets its prompt on standard input', (kind) => {
  const { argv, input } = agents[kind].launch(installed, turn);

  expect(input).toBe(turn.prompt);
  expect(argv.join(' ')).not.toContain('--help');
});

test.each(kinds)('%s is told the gateway, a placeholder and its instructions', (kind) => {
  const { env, homeFiles } = agents[kind].launch(installed, turn);

  const all = JSON.stringify({ env, homeFiles });
  expect(all).toContain(turn.gatewayUrl);
  expect(Object.values(homeFiles)).toContain(turn.instructions);
  const keys = Object.entries(env).filter(([name]) => name.endsWith('_KEY'));
  expect(keys.length).toBeGreaterThan(0);
  expect(keys.every(([, value]) => value === modelKey)).toBe(true);
});

test.each(kinds)('%s goes on with a conversation by its id', (kind) => {
  const begun = agents[kind].launch(installed, turn).argv;
  const resumed = agents[kind].launch(installed, { ...turn, sessionId: 'session-7' }).argv;

  expect(begun).not.toContain('session-7');
  expect(resumed).toContain('session-7');
});

test('no name of a model or a folder breaks out of the configuration of codex', () => {
  const model = 'a"\nmodel_provider = "evil';

  const { homeFiles } = agents.codex.launch(installed, { ...turn, model });

  const config = homeFiles['.codex/config.toml'] ?? '';
  expect(config.split('\n').filter((line) => line.startsWith('model_provider ='))).toEqual([
    'model_provider = "ado"',
  ]);
  expect(config).toContain('[projects."/w/\\"quoted\\" tree"]');
});

test.each(['claude-code', 'codex', 'gemini'] as const)(
  '%s that is not installed is refused with the line that installs it',
  async (kind) => {
    await expect(agents[kind].find()).rejects.toMatchObject({
      code: 'AGENT_NOT_INSTALLED',
      message: expect.stringContaining(`ado agents install ${kind}`) as string,
    });
  },
);
