// How the agents are started for a turn.
//   - prompts are not among the arguments, which every user of a machine can read, and which have a limit
//   - all that an agent needs of its model is the gateway's address: the key is a placeholder
//   - a conversation is gone on with by its id
//   - none hangs up on a call that waits in line, nor multiplies one
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

// Five minutes in line, and ten for the answer.
const longestCallMs = 900_000;

test('claude-code waits longer than a call takes, and asks four times at most', () => {
  const { env } = agents['claude-code'].launch(installed, turn);

  const limits = Object.entries(env).filter(([name]) => name.endsWith('_TIMEOUT_MS'));
  expect(limits.map(([name]) => name)).toEqual([
    'API_TIMEOUT_MS',
    'CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS',
    'CLAUDE_STREAM_IDLE_TIMEOUT_MS',
  ]);
  for (const [, value] of limits) expect(Number(value)).toBeGreaterThan(longestCallMs);
  expect(env['CLAUDE_CODE_MAX_RETRIES']).toBe('3');
});

test('codex waits longer than a call takes, and asks four times at most', () => {
  const { homeFiles } = agents.codex.launch(installed, turn);

  const config = homeFiles['.codex/config.toml'] ?? '';
  const [, provider = ''] = /\[model_providers\.ado\]\n([^[]*)/.exec(config) ?? [];
  expect(provider).toMatch(/^request_max_retries = 0\nstream_max_retries = 3$/m);
  const [, idleMs] = /^stream_idle_timeout_ms = (\d+)$/m.exec(provider) ?? [];
  expect(Number(idleMs)).toBeGreaterThan(longestCallMs);
});

test.each(['gemini', 'acp'] as const)(
  '%s waits longer than a call takes, and asks four times at most',
  (kind) => {
    const { argv, homeFiles } = agents[kind].launch(installed, turn);

    const settings = JSON.parse(homeFiles['.gemini/settings.json'] ?? '') as object;
    const { flags } = JSON.parse(homeFiles['.gemini/flags.json'] ?? '') as {
      flags: { intValue: string }[];
    };
    expect(settings).toMatchObject({ general: { maxAttempts: 4 } });
    expect(Number(flags[0]?.intValue) * 1_000).toBeGreaterThan(longestCallMs);
    expect(argv.join(' ')).toContain('export GEMINI_EXP="$HOME/.gemini/flags.json"');
  },
);

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
