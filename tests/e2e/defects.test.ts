// Real defects, each brought in by the work: the repository's own check finds it, as file and line; a repair that does
// not mend it is not accepted, the right one is, and only that is delivered.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { defects, type Defect, type Files } from '../support/defects.ts';
import { commitAll, deliveredBranches, git, makeRepository } from '../support/repositories.ts';
import { findTool, installPackages, toolPath } from '../support/toolchains.ts';
import { scriptedModel } from '../support/scripted-model.ts';

jest.setTimeout(400_000);

const isRunnable = ({ needs }: Defect): boolean =>
  needs.every((tool) => findTool(tool) !== undefined);
const runnable = defects.filter(isRunnable);
for (const { name, needs } of defects.filter((one) => !isRunnable(one)))
  process.stderr.write(`${name} is not tested: this machine lacks ${needs.join(' or ')}.\n`);

let ado: Ado;
beforeAll(async () => {
  const bin = installPackages({ tsc: 'typescript/bin/tsc', eslint: 'eslint/bin/eslint.js' });

  ado = await startSharedAdo({ env: { PATH: toolPath([bin]) } });
});
afterAll(async () => ado.stop());

function writeFiles(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Brings the defect in, mends it wrongly, then rightly; each time told where it is. */
function modelOf({ path, text, bodies, finding }: Defect): string {
  const write = (body: string) => [{ tool: 'write_file', input: { path, content: text(body) } }];
  const place = `${finding.file}:${String(finding.line)}`;
  const answers = [
    { toolCalls: write(bodies.broken) },
    { text: 'Done.' },
    { expect: { contains: place }, toolCalls: write(bodies.wrong) },
    { text: 'Mended.' },
    { expect: { contains: `The check "${finding.gate}" failed` }, toolCalls: write(bodies.right) },
    { text: 'Mended indeed.' },
  ];
  return scriptedModel(JSON.stringify({ answers }));
}

test('there are defects in at least four languages', () => {
  expect(runnable.length).toBeGreaterThanOrEqual(10);
  expect(new Set(runnable.flatMap(({ needs }) => needs)).size).toBeGreaterThanOrEqual(3);
});

test.each(runnable.map((defect) => [defect.name, defect] as const))('%s', async (_name, defect) => {
  const repository = makeRepository();
  writeFiles(repository, { ...defect.files, [defect.path]: defect.text(defect.bodies.good) });
  commitAll(repository, 'package');
  const model = modelOf(defect);
  const gateProfile = defect.profile;

  const { id } = await ado.submitTask({
    ...{ prompt: 'Change it', agent: 'builtin', model, repository, gateProfile },
  });
  await ado.ended(id, 380_000);

  expect(await ado.getTask(id)).toMatchObject({ outcome: 'succeeded', summary: 'Mended indeed.' });
  const { gate, ...place } = defect.finding;
  const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId: id },
    query: { limit: 200 },
  });
  const failed = items.filter((step) => step.kind === 'gate' && step.status === 'failed');
  expect(failed).toHaveLength(2);
  expect(failed[0]?.summary).toMatch(new RegExp(`^${gate}: ${place.file}:${String(place.line)}: `));
  expect(failed[0]?.findings?.[0]).toMatchObject(place);
  const [branch = ''] = deliveredBranches(repository);
  expect(`${git(repository, 'show', `${branch}:${defect.path}`)}\n`).toBe(
    defect.text(defect.bodies.right),
  );
});
