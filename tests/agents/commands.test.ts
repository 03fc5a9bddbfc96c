// `ado agents` where the programs are installed.
//   - the list names version and place of each, and what is missing before it can work
//   - a test is a real turn: it succeeds with the program, and fails with the line that installs it without
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentPackages, findAgentsDir } from '../../config/agent-programs.ts';
import { makePlace, startAdo } from '../support/run-ado.ts';
import { whichAgents } from './programs.ts';

jest.setTimeout(180_000);

const suite = whichAgents()('codex') ? test : test.skip;
const installed = { ADO_AGENTS_DIR: findAgentsDir(process.env) };

suite('the list tells what is here, and what is missing', async () => {
  const place = makePlace({ ...installed, WORK_KEY: 'sk-work' });
  const accounts = join(place.cwd, 'accounts.yaml');
  writeFileSync(
    accounts,
    'accounts: [{ name: work, provider: openai, access: api, credential: { env: WORK_KEY } }]\n',
  );
  const env = { ...place.env, ADO_PROVIDERS_FILE: accounts };

  const { code, stdout } = await startAdo({ ...place, env }, ['agents', '-o', 'jsonl']).end;

  expect(code).toBe(0);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { agent: string });
  expect(rows.find(({ agent }) => agent === 'codex')).toMatchObject({
    installed: true,
    version: agentPackages.codex.version,
    accounts: ['work'],
    todo: '',
  });
  expect(rows.find(({ agent }) => agent === 'gemini')).toMatchObject({
    accounts: [],
    todo: expect.stringContaining('an account of google') as string,
  });
});

suite('a test takes a real turn', async () => {
  const { code, stdout } = await startAdo(makePlace(installed), ['agents', 'test', 'codex']).end;

  expect(stdout).toContain('hello.txt');
  expect(stdout).not.toContain('fails');
  expect(code).toBe(0);
});

test('a test without the program fails with the line that installs it', async () => {
  const place = makePlace({ ADO_AGENTS_DIR: '/nowhere', PATH: '/usr/bin:/bin' });

  const { code, stdout } = await startAdo(place, ['agents', 'test', 'codex']).end;

  expect(code).toBe(1);
  expect(stdout).toContain('ado agents install codex');
});
