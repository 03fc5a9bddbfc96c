// Names of repositories, checks and files in results, which others choose: a result is written where it was asked for,
// and nowhere else.
//   - an export makes its folder and nothing beside it, whatever repositories and steps are called
//   - a report is one file, and shows names on one line
//   - a painted diff steers no terminal, and a piped one is not changed
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { submitBatchSchema } from '../../../contracts/batch.schema.ts';
import { submitTaskSchema } from '../../../contracts/task.schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { aBatch, aTask } from '../../support/fake-work.ts';
import { makePlace, runAdo, type Place } from '../../support/run-ado.ts';
import { playBatch } from './fake-runs.ts';

/** What a target may be called: the API takes any text. */
const repositories = [
  '/srv/../../../../etc',
  '/..',
  '/../..',
  '/.',
  'https://h/../..',
  'https://h/a/..%2f..%2fx',
  'https://h/o/..\\..\\x',
  'git@h:../../x',
  '/r/new\nline',
  '/r/\u001b[2J\r',
  '/r/C:\\x',
  '/r/ä\u202etxt',
  `/r/${'long'.repeat(100)}`,
  '/r/CON',
  '/r/a.tmp',
] as const;

/** Steps name the checks that logs are kept of. */
const checks = ['../../../planted', '/tmp/planted', '..', 'a/b', 'x\ny', 'C:\\x', 'test'];

const patch = `diff --git a/../../planted b/../../planted
new file mode 100644
--- /dev/null
+++ b/../../planted
@@ -0,0 +1 @@
+\u001b]0;title\u0007
diff --git "a/new\\nline\\033[2J" "b/new\\nline\\033[2J"
new file mode 120000
--- /dev/null
+++ "b/new\\nline\\033[2J"
@@ -0,0 +1 @@
+/etc/passwd
\\ No newline at end of file
`;

let api: FakeApi;
let place: Place;
let batchId: string;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  const outer = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
  const cwd = join(outer.cwd, 'a', 'b', 'here');
  mkdirSync(cwd, { recursive: true });
  place = { ...outer, cwd };
  const items = repositories.map((repository) => ({ repository }));
  const request = { prompt: 'Bump', agent: 'command', exec: 'true' };
  const gates = [{ name: 'test', command: 'true' }];
  const batch = aBatch(submitBatchSchema.parse({ ...request, gates, items }));
  batchId = batch.id;
  api.batches.set(batchId, batch);
  for (const [itemIndex, { repository }] of items.entries()) {
    const task = aTask(submitTaskSchema.parse({ ...request, gates, repository }));
    api.tasks.set(task.id, { ...task, batchId, itemIndex });
  }
  for (const task of api.itemsOf(batchId)) {
    api.diffs.set(task.id, patch);
    const at = new Date().toISOString();
    const times = { costMicroUsd: 0, startedAt: at, endedAt: at };
    const gate = { attempt: 1, step: 1, kind: 'gate', status: 'succeeded', summary: '..' } as const;
    api.steps.set(task.id, [{ ...gate, ...times }]);
    for (const [step, summary] of checks.entries()) {
      api.emit(task.id, { type: 'step-started', data: { step, kind: 'gate', summary } });
      api.emit(task.id, { type: 'output', data: { step, source: 'gate', text: 'said\n' } });
    }
  }
  playBatch(api, batchId, {});
});

afterEach(() => api.stop());

/** All files below the folder two above the one that the calls are made from. */
function filesAround(): string[] {
  const root = join(place.cwd, '..', '..');
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}

it('an export makes its folder and nothing beside it', async () => {
  const { code, stderr } = await runAdo(place, ['batch', 'export', batchId, 'out']);

  expect([code, stderr]).toEqual([0, expect.stringContaining('Wrote 15 items')]);
  const items = join(place.cwd, 'out', 'items');
  for (const path of filesAround()) expect(path.startsWith(join(place.cwd, 'out/'))).toBe(true);
  expect(readdirSync(items)).toHaveLength(repositories.length);
  for (const name of readdirSync(items)) {
    expect(name).toMatch(/^(?!\.)[\w.-]+$/);
    expect(readFileSync(join(items, name, 'diff.patch'), 'utf8')).toBe(patch);
    for (const log of readdirSync(join(items, name, 'gates')))
      expect(log).toMatch(/^[a-z0-9-]+\.log$/);
  }
});

it('a report is one file, with names on one line', async () => {
  const page = await runAdo(place, ['batch', 'report', batchId]);
  const markdown = await runAdo(place, ['batch', 'report', batchId, '-o', 'md']);

  expect([page.code, markdown.code]).toEqual([0, 0]);
  const path = join(place.cwd, `${batchId}.html`);
  expect(filesAround()).toEqual([path]);
  for (const text of [readFileSync(path, 'utf8'), markdown.stdout]) {
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f\u202e]/);
  }
  expect(markdown.stdout).not.toMatch(/^line\b/m);
});

it('a painted diff steers no terminal, and a piped one is not changed', async () => {
  const [task] = api.itemsOf(batchId);
  const piped = await runAdo(place, ['diff', task?.id ?? '']);
  const painted = await runAdo(place, ['diff', task?.id ?? '', '--color', 'always']);
  const names = await runAdo(place, ['diff', task?.id ?? '', '--name-only']);

  expect(piped.stdout).toBe(patch);
  // Colours only.
  expect(painted.stdout.replace(/\u001b\[[\d;]*m/g, '')).not.toMatch(
    /[\u0000-\u0008\u000b-\u001f]/,
  );
  expect(names.stdout).toBe('../../planted\n"new\\nline\\033[2J"\n');
  expect(filesAround()).toEqual([]);
});
