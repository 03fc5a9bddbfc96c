// The checks of a repository: found, run, and judged on what the task changed.
//   - a defect that the work brings in is sent back as file and line; a wrong repair too, the right one is delivered
//   - tests that failed before are no fault of the work, and it says so; what it adds to them is
//   - a repository without checks says what was looked for
//   - a check that hangs is ended at its limit, with its output kept; the task goes on
//   - the set-up runs before the work, and what it leaves is not committed; nor is what checks leave
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Step } from '../../contracts/step.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { commitAll, deliveredBranches, git, makeRepository } from '../support/repositories.ts';
import { scriptedModel } from '../support/scripted-model.ts';

let ado: Ado;
beforeAll(async () => {
  ado = await startSharedAdo();
});
afterAll(async () => ado.stop());

type Files = Readonly<Record<string, string>>;

function repositoryOf(files: Files): string {
  const repository = makeRepository();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), text);
  }
  commitAll(repository, 'package');
  return repository;
}

/** A model that writes files turn by turn, and says after each that it is done. */
function writer(turns: readonly (Files & { readonly expects?: string })[]): string {
  const answers = turns.flatMap(({ expects, ...files }) => [
    {
      ...(expects === undefined ? {} : { expect: { contains: expects } }),
      toolCalls: Object.entries(files).map(([path, content]) => ({
        tool: 'write_file',
        input: { path, content },
      })),
    },
    { text: 'Done.' },
  ]);
  return scriptedModel(JSON.stringify({ answers }));
}

type Body = Parameters<Ado['submitTask']>[0];

async function run(
  body: Omit<Body, 'prompt'>,
): Promise<{ task: Task; gates: string[]; steps: Step[] }> {
  const { id } = await ado.submitTask({ prompt: 'Work', agent: 'builtin', ...body });
  await ado.ended(id, 100_000);
  const { items: steps } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId: id },
    query: { limit: 100 },
  });
  const gates = steps
    .filter(({ kind }) => ['gate', 'gate-base', 'checks'].includes(kind))
    .map(({ status, summary }) => `${status} ${summary}`);
  return { task: await ado.getTask(id), gates, steps };
}

const manifest = JSON.stringify({ type: 'module', scripts: { test: 'node --test' } });
const testOf = (name: string, wanted: string): string =>
  [
    `import test from 'node:test';`,
    `import assert from 'node:assert';`,
    `import * as code from './code.js';`,
    `test('${name}', () => {`,
    `  assert.equal(code.${name}(2), ${wanted});`,
    `});`,
    '',
  ].join('\n');
const good = 'export const twice = (n) => 2 * n;\n';
const wrong = 'export const twice = (n) => n + 3;\n';

test('tests that failed before are not held against the work, and it says so', async () => {
  const old = `${testOf('twice', '4')}test('is old', () => { throw new Error('old trouble'); });\n`;
  const repository = repositoryOf({ 'package.json': manifest, 'code.js': good, 'a.test.js': old });
  const model = writer([
    { 'code.js': wrong },
    { 'code.js': `// Better.\n${good}`, expects: 'a.test.js:5: twice' },
  ]);

  const { task, gates, steps } = await run({ repository, model });

  expect(task).toMatchObject({ outcome: 'succeeded', gateProfile: 'standard' });
  expect(gates).toEqual([
    expect.stringMatching(/^succeeded test on the base commit: failed, 1 finding$/),
    expect.stringMatching(/^failed test: a\.test\.js:5: twice: .*5 == 4/),
    'succeeded test: failed before too (1 finding), nothing new',
    'succeeded checks: test failed before too; score 0 of 100',
  ]);
  expect(steps.filter(({ gate }) => gate === 'test').map(({ kind }) => kind)).toEqual([
    ...['gate-base', 'gate', 'gate'],
  ]);
  expect(steps.findLast(({ kind }) => kind === 'checks')?.gate).toBeUndefined();
});

test('a repository without checks succeeds, and says what was looked for', async () => {
  const { task, gates } = await run({
    repository: makeRepository(),
    model: writer([{ 'README.md': 'Hi.\n' }]),
  });

  expect(task.outcome).toBe('succeeded');
  expect(gates).toEqual([
    expect.stringMatching(
      /^succeeded no checks in this repository: looked for package\.json.*go\.mod/,
    ),
  ]);
});

test('what checks leave behind is in no commit', async () => {
  const repository = repositoryOf({ 'notes.txt': 'Notes.\n' });
  const command = 'mkdir -p report; date >report/latest; date >>notes.txt; test -f ready';
  const model = writer([{ 'README.md': 'Hi.\n' }, { ready: 'yes' }]);

  const { task, gates } = await run({ repository, model, gates: [{ name: 'reports', command }] });

  expect(gates.map((gate) => gate.split(' ')[0])).toEqual(['failed', 'succeeded']);
  const changed = git(repository, 'diff', '--name-only', `main..${task.branch}`);
  expect(changed.split('\n')).toEqual(['README.md', 'ready']);
});

test('a gate that is called score is one beside what all come to', async () => {
  const { gates } = await run({
    repository: makeRepository(),
    model: writer([{ 'README.md': 'Hi.\n' }]),
    gates: [{ name: 'score', command: 'true' }],
    gateProfile: 'minimal',
  });

  expect(gates).toEqual(['succeeded score', 'succeeded checks: score passed']);
});

test('a check that hangs is ended at its limit, and its output is kept', async () => {
  const command = 'test -f ready || { echo waiting for ready; exec sleep 600; }';
  const model = writer([
    { 'README.md': 'Hi.\n' },
    { ready: 'yes', expects: 'not done within 1 s' },
  ]);

  const { task, gates } = await run({
    repository: makeRepository(),
    model,
    gates: [{ name: 'hangs', command, timeoutMs: 1_000 }],
  });

  expect(task.outcome).toBe('succeeded');
  expect(gates).toEqual(['failed hangs: not done within 1 s', 'succeeded hangs']);
  const output = (await ado.listEvents(task.id)).filter(({ type }) => type === 'output');
  expect(JSON.stringify(output)).toContain('waiting for ready');
});

test('100 MB of output leave the memory of the worker as it was, and the end of the output is told', async () => {
  const residentBytes = async (): Promise<number> => {
    const text = await (await fetch(`${ado.worker.internalUrl}/metrics`)).text();
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
  };
  const flood = 'yes "some output of a chatty program" | head -c 100000000';
  const command = `test -f quiet || { ${flood}; echo lib/a.c:3:1: error: the end; exit 1; }`;
  const model = writer([{ 'README.md': 'Hi.\n' }, { quiet: '', expects: 'the end' }]);
  const before = await residentBytes();

  const { task } = await run({
    repository: makeRepository(),
    model,
    gates: [{ name: 'chatty', command }],
  });

  expect(task.outcome).toBe('succeeded');
  expect((await residentBytes()) - before).toBeLessThan(150_000_000);
  const outputs = (await ado.listEvents(task.id)).flatMap((event) =>
    event.type === 'output' && event.data.source !== 'model' ? [event.data.text] : [],
  );
  expect(outputs.join('').length).toBeLessThan(1_200_000);
  expect(outputs.join('')).toMatch(/more bytes of output not kept/);
});

test('lint and types run side by side, then the build; each has its output together', async () => {
  const scripts = {
    lint: 'echo linting; sleep 0.3; echo linted',
    typecheck: 'echo typing; sleep 0.3; echo typed',
    build: 'test -f built',
  };
  const repository = repositoryOf({ 'package.json': JSON.stringify({ scripts }), built: '' });

  const { task, gates } = await run({ repository, model: writer([{ 'README.md': 'Hi.\n' }]) });

  expect(gates.slice(0, 2).toSorted()).toEqual(['succeeded lint', 'succeeded typecheck']);
  expect(gates.slice(2)).toEqual([
    'succeeded build',
    expect.stringMatching(
      /^succeeded checks: lint passed, typecheck passed, build passed; score 100/,
    ),
  ]);
  const outputs = (await ado.listEvents(task.id)).flatMap((event) =>
    event.type === 'output' && event.data.source === 'gate' ? [event.data.text] : [],
  );
  expect(outputs.filter((text) => /linting/.test(text))).toEqual([
    expect.stringContaining('linted'),
  ]);
});

test('the set-up runs before the work, and only what git ignores may be left by it', async () => {
  const files = {
    '.gitignore': 'installed\n',
    Makefile: 'test:\n\ttest "$$(cat installed)" = yes\n',
  };
  const work = { repository: repositoryOf(files), model: writer([{ 'README.md': 'Hi.\n' }]) };

  const ready = await run({ ...work, setup: 'echo yes > installed' });
  const untidy = await run({ ...work, setup: 'echo yes > installed; touch stray' });
  const broken = await run({ ...work, setup: 'echo no such package; exit 3' });

  expect(ready.task.outcome).toBe('succeeded');
  expect(ready.gates).toContain('succeeded test');
  expect(ready.steps[0]).toMatchObject({ kind: 'setup', status: 'succeeded' });
  const [branch = ''] = deliveredBranches(work.repository);
  expect(git(work.repository, 'ls-tree', '-r', '--name-only', branch)).not.toContain('installed');
  expect(untidy.task).toMatchObject({
    errorCode: 'SETUP_FAILED',
    error: expect.stringContaining('does not ignore: stray'),
  });
  expect(broken.task).toMatchObject({
    errorCode: 'SETUP_FAILED',
    error: expect.stringContaining('no such package'),
  });
});
