// `ado plan` names the checks of each repository, as far as the server could read it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan, SubmitBatch } from '../../../contracts/batch.schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { plan } from '../../support/fake-http.ts';
import { makePlace, runAdo } from '../../support/run-ado.ts';

let api: FakeApi;
beforeEach(async () => {
  api = new FakeApi();
  await api.start();
});
afterEach(() => api.stop());

test('names the checks that each repository has, as far as the server can read it', async () => {
  const place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
  const checks = [
    { name: 'build', command: 'npm run build' },
    { name: 'lint', command: 'PYTHONPATH=. python3 -m flake8' },
    { name: 'test', command: 'npm run test' },
  ];
  api.answers.planBatch = ({ body }) => {
    const planned = plan(body as SubmitBatch) as Plan;
    const items = planned.items.map((item, index) => ({
      ...item,
      checks: [checks, [], undefined][index],
    }));
    return { ...planned, items };
  };
  writeFileSync(join(place.cwd, 'list.txt'), '/r/a\n/r/b\n/r/c\n');

  const words = ['plan', 'Bump', '--repos', 'list.txt', '--model', 'scripted:/m'];
  const { stdout } = await runAdo(place, words);

  expect(stdout).toMatch(/build, test \(npm\), lint \(flake8\) +Bump[^]* none +Bump[^]* \? +Bump/);
});
