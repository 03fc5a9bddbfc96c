// What people are shown of the work of a task: `ado diff` and `ado show`.
import type { Step } from '../../../contracts/step.schema.ts';
import { submitTaskSchema, type Task } from '../../../contracts/task.schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { aTask } from '../../support/fake-work.ts';
import { makePlace, readLines, runAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
});

afterEach(() => api.stop());

function addTask(change: Partial<Task> = {}): Task {
  const work = { agent: 'command', exec: 'true', gates: [{ name: 'test', command: 'true' }] };
  const request = submitTaskSchema.parse({ prompt: 'Fix it', repository: '/r/app', ...work });
  const task = { ...aTask(request), ...change };
  api.tasks.set(task.id, task);
  return task;
}

describe('diff', () => {
  const patch = [
    'diff --git "a/x\\033[2J" "b/x\\033[2J"',
    '--- "a/x\\033[2J"',
    '+++ "b/x\\033[2J"',
    '@@ -1 +1,2 @@',
    '-old',
    '+new \u001b]0;title\u0007',
    '+\u202emore',
    '',
  ].join('\n');

  it('in a pipe is the patch; with --color always it is painted and steers nothing', async () => {
    const task = addTask();
    api.diffs.set(task.id, patch);

    const raw = await runAdo(place, ['diff', task.id]);
    const painted = await runAdo(place, ['diff', task.id, '--color', 'always']);

    expect(raw.stdout).toBe(patch);
    expect(painted.stdout).toContain('\u001b[32m+new ^[]0;title^G\u001b[39m\n');
    expect(painted.stdout).toContain('<U+202E>more');
    expect(painted.stdout).not.toContain('\u001b]0');
  });

  it('--stat, --name-only and JSON say what changed', async () => {
    const task = addTask();
    api.diffs.set(task.id, patch);

    const stat = await runAdo(place, ['diff', task.id, '--stat']);
    const names = await runAdo(place, ['diff', task.id, '--name-only']);
    const json = await runAdo(place, ['diff', task.id, '-o', 'json']);
    const both = await runAdo(place, ['diff', task.id, '--stat', '--name-only']);

    expect(stat.stdout).toBe(
      ' "x\\033[2J" | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n',
    );
    expect(names.stdout).toBe('"x\\033[2J"\n');
    expect(JSON.parse(json.stdout)).toEqual({
      taskId: task.id,
      insertions: 2,
      deletions: 1,
      files: [
        { path: 'x\u001b[2J', change: 'modified', isBinary: false, insertions: 2, deletions: 1 },
      ],
      patch,
    });
    expect(both.code).toBe(2);
  });

  it('of nothing says so, and prints nothing', async () => {
    const task = addTask();

    const end = await runAdo(place, ['diff', task.id, '--stat']);

    expect(end).toMatchObject({ code: 0, stdout: '', stderr: 'No change.\n' });
  });
});

describe('show', () => {
  const at = new Date().toISOString();
  const step = (kind: Step['kind'], summary: string, change: Partial<Step> = {}): Step => ({
    ...{ attempt: 1, step: 1, kind, status: 'succeeded', summary, costMicroUsd: 0 },
    ...{ startedAt: at, endedAt: at },
    ...change,
  });
  const steps = [
    step('model', 'edit_file', { costMicroUsd: 1_000_000 }),
    step('gate', 'lint', { gate: 'lint', exitCode: 0 }),
    step('gate', 'test: 1 failed', {
      gate: 'test',
      status: 'failed',
      findings: [{ tool: 'jest', file: 'a.test.ts', line: 4, message: 'expected 1' }],
    }),
  ];

  it('tells checks with their places, then the steps by turn', async () => {
    const task = addTask();
    api.steps.set(task.id, steps);

    const { stdout } = await runAdo(place, ['show', task.id]);
    const without = await runAdo(place, ['show', task.id, '--steps', 'none']);

    expect(stdout).toContain('\nchecks\n  ✗ test');
    expect(stdout).toContain('      a.test.ts:4  expected 1\n  ✓ lint');
    expect(stdout).toMatch(/\nsteps\n {2}turn 1 {2}0\.0s {2}\$1\.00\n {4}✓ model {5}edit_file/);
    expect(without.stdout).not.toContain('steps');
  });

  it('adds checks and steps to the JSON of a task, whose own fields stay', async () => {
    const task = addTask();
    api.steps.set(task.id, steps);

    const { stdout } = await runAdo(place, ['show', task.id, '-o', 'jsonl']);

    const [shown] = readLines(stdout);
    expect(shown).toMatchObject(JSON.parse(JSON.stringify(task)) as object);
    expect(shown).toMatchObject({
      checks: [
        { gate: 'test', ok: false },
        { gate: 'lint', ok: true },
      ],
      stepList: steps,
    });
  });
});
