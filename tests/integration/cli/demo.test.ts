import { makePlace, runAdo } from '../../support/run-ado.ts';

it('demo with an agent that is missing says the line that installs it, and starts nothing', async () => {
  const place = makePlace({ ADO_AGENTS_DIR: '/nowhere' });
  const bare = { ...place, env: { ...place.env, PATH: '/usr/bin:/bin' } };

  const end = await runAdo(bare, ['demo', '--agent', 'codex']);

  expect(end.code).toBe(2);
  expect(end.stdout).toBe('');
  expect(end.stderr).toContain('codex is not installed on this machine. [AGENT_NOT_INSTALLED]');
  expect(end.stderr).toContain('ado agents install codex');
});
