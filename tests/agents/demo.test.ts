// `ado demo --agent …`, the tour with a vendor's real program: `npm run test:agents`.
//   - it starts a platform of its own, survives its own kill, delivers every repository, and leaves no process behind
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findAgentsDir, installableAgents } from '../../config/agent-programs.ts';
import { findCache } from '../../cli/dev/home.ts';
import { processesIn, processesWith } from '../support/process-table.ts';
import { git } from '../support/repositories.ts';
import { makePlace, runAdo } from '../support/run-ado.ts';
import { whichAgents } from './programs.ts';

jest.setTimeout(600_000);

const has = whichAgents();

describe.each(installableAgents)('%s', (agent) => {
  const suite = has(agent) ? test : test.skip;

  suite('its tour delivers all, and lets go of all that it started', async () => {
    const place = makePlace({
      ADO_AGENTS_DIR: findAgentsDir(process.env),
      ADO_CACHE: findCache(process.env),
    });

    const { code, stdout, stderr } = await runAdo(place, ['demo', '--agent', agent]);

    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain('kill -9');
    expect(stdout).toContain('nothing was lost, and nothing was done twice');
    expect(Number(/Calls of models +(\d+)/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(12);
    const [, branches = ''] =
      /one commit for each edit:\n((?: {2}\S+ +ado\/\S+\n)+)/.exec(stdout) ?? [];
    const delivered = branches
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ +/));
    expect(delivered).toHaveLength(6);
    const [, folder = ''] = /^The repositories +(.+)$/m.exec(stdout) ?? [];
    for (const [name = '', branch = ''] of delivered) {
      const edits = git(join(folder, name), 'rev-list', '--count', `HEAD..${branch}`);
      expect([name, edits]).toEqual([name, name === 'cookie' ? '2' : '1']);
    }
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain(agent);
    expect([...processesIn(place.cwd), ...processesWith(place.cwd)]).toEqual([]);
  });
});
