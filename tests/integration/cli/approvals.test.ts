// The commands with which people answer tasks, against a server:
//   - what is asked is listed with how much time is left; of one the facts are shown that its kind has
//   - an answer names the approval or the task that asks, by its id or the end of it
//   - a task that asks nothing and a decision that came too late say so, with their exit codes
//   - a waiting `run` says on stderr how to answer, in every form of output
import { v7 } from 'uuid';
import type { Approval } from '../../../contracts/approval.schema.ts';
import { submitTaskSchema, type Task } from '../../../contracts/task.schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { aTask } from '../../support/fake-work.ts';
import { beginTask, endTask } from './fake-runs.ts';
import { makePlace, runAdo, startAdo, type Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
});

afterEach(() => api.stop());

function addTask(change: Partial<Task> = {}): Task {
  const request = submitTaskSchema.parse({
    prompt: 'Fix it',
    repository: '/r/app',
    agent: 'command',
    exec: 'true',
  });
  const task = { ...aTask(request), ...change };
  api.tasks.set(task.id, task);
  return task;
}

function addApproval(task: Task, change: Partial<Approval> = {}): Approval {
  const approval = {
    id: `approval-${v7()}`,
    taskId: task.id,
    attempt: 1,
    kind: 'cost',
    title: 'Spend more than $1.00?',
    facts: {
      route: 'main:model-1',
      spentMicroUsd: 2_900_000,
      confirmedMicroUsd: 3_000_000,
      nextCallMicroUsd: 300_000,
      limitMicroUsd: 10_000_000,
    },
    status: 'pending',
    defaultDecision: 'reject',
    deadlineAt: new Date(Date.now() + 42 * 60_000).toISOString(),
    remindersAt: [],
    reminded: 0,
    createdAt: new Date().toISOString(),
    ...change,
  } as Approval;
  api.approvals.set(approval.id, approval);
  return approval;
}

function aTaskThatAsks(): { task: Task; approval: Approval } {
  const task = addTask({ status: 'awaiting_approval' });
  return { task, approval: addApproval(task) };
}

it('lists what is asked, and with --all what was answered', async () => {
  const { approval } = aTaskThatAsks();
  const old = addApproval(addTask(), { status: 'rejected' });

  const text = await runAdo(place, ['approvals']);
  const all = await runAdo(place, ['approvals', '--all', '-o', 'name']);
  const reviews = await runAdo(place, ['approvals', '--kind', 'edits_review', '-o', 'name']);
  const alias = await runAdo(place, ['hitl', 'pending', '-o', 'json']);

  expect(text.stdout).toMatch(/cost +pending +in 4[12]m +Spend more than \$1\.00\?/);
  expect(text.stdout).not.toContain(old.id.slice(-8));
  expect(all.stdout.trim().split('\n').sort()).toEqual([approval.id, old.id].sort());
  expect(reviews.stdout).toBe('');
  expect(JSON.parse(alias.stdout)).toEqual({ items: [approval] });
});

it('an answer names the approval, or the task that asks', async () => {
  const first = aTaskThatAsks();
  const second = aTaskThatAsks();

  const yes = await runAdo(place, ['approve', first.approval.id.slice(-8), '--reason', 'worth it']);
  const no = await runAdo(place, ['reject', second.task.id.slice(-8), '-o', 'json']);

  expect(yes).toMatchObject({ code: 0, stdout: '' });
  expect(yes.stderr).toContain(`Approved; task ${first.task.id} goes on.`);
  expect(api.approvals.get(first.approval.id)).toMatchObject({
    status: 'approved',
    reason: 'worth it',
  });
  expect(JSON.parse(no.stdout)).toMatchObject({ id: second.approval.id, status: 'rejected' });
});

it('says when a task asks nothing, when nothing fits, and when it is too late', async () => {
  const quiet = addTask();
  const late = addApproval(addTask(), { status: 'expired' });

  const nothing = await runAdo(place, ['approve', quiet.id]);
  const unknown = await runAdo(place, ['approve', 'abcdef12']);
  const decided = await runAdo(place, ['approve', late.id]);

  expect(nothing).toMatchObject({ code: 5 });
  expect(nothing.stderr).toContain(`Task ${quiet.id} waits for nobody's answer.`);
  expect(unknown).toMatchObject({ code: 5 });
  expect(decided).toMatchObject({ code: 6 });
  expect(decided.stderr).toContain('[APPROVAL_DECIDED]');
});

it('show tells what a task asks, and how to answer', async () => {
  const { task, approval } = aTaskThatAsks();

  const { stdout, stderr } = await runAdo(place, ['show', task.id]);

  expect(stdout).toContain('question   Spend more than $1.00?');
  expect(stdout).toMatch(/deadline +in 4[12]m, then rejected/);
  expect(stderr).toContain(`approve ${approval.id.slice(-8)}`);
  expect(stderr).toContain(`reject ${approval.id.slice(-8)}`);
});

it.each([
  {
    kind: 'quality_gate' as const,
    facts: { gate: 'test', message: 'add is red', rounds: 6, findings: 2 },
    shows: [/gate +test, findings: 2/, /it says +add is red/, /rounds +6/],
  },
  {
    kind: 'edits_review' as const,
    facts: {
      ...{ commit: 'c'.repeat(40), diffStat: { files: 1, insertions: 2, deletions: 0 } },
      ...{ summary: 'It adds now.', passedGates: ['build', 'test'] },
    },
    shows: [/commit +c{12}: 1 file, \+2/, /passed +build\n +test\n/, /summary +It adds now\./],
  },
  {
    kind: 'conflict' as const,
    facts: {
      ...{ target: 'main', branch: 'ado/x', message: 'The work conflicts with main.' },
      files: [{ path: 'go.sum', class: 'critical' as const }],
    },
    shows: [/target +main/, /branch +ado\/x/, /files +critical: go\.sum/],
  },
])('show tells the facts of $kind, and how to see the work', async ({ kind, facts, shows }) => {
  const task = addTask({ status: 'awaiting_approval' });
  addApproval(task, { kind, facts } as Partial<Approval>);

  const { stdout, stderr } = await runAdo(place, ['show', task.id]);

  for (const pattern of shows) expect(stdout).toMatch(pattern);
  expect(stderr).toMatch(new RegExp(`Look: .*ado diff ${task.id.slice(-8)}`));
});

it.each(['text', 'jsonl'])('run --wait -o %s says on stderr how to answer', async (format) => {
  api.onAccepted = (id) => {
    beginTask(api, id);
    const { id: approvalId, ...asked } = addApproval({ ...addTask(), id });
    const { title, deadlineAt, defaultDecision } = asked;
    const data = { approvalId, taskId: id, kind: 'cost', title, deadlineAt, defaultDecision };
    api.emit(id, { type: 'approval-requested', data: { ...data, kind: 'cost' } });
  };
  const words = ['run', 'Fix it', '--repo', '/r/app', '--agent', 'command', '--exec', 'true'];

  const call = startAdo(place, [...words, '--wait', '-o', format]);
  await call.says(/Asks: Spend more than \$1\.00\? Answer with .*approve [0-9a-f]{8} or/);
  const id = [...api.events.keys()][0] ?? '';
  endTask(api, id, { outcome: 'succeeded' });

  const { code, stderr, stdout } = await call.end;
  expect(code).toBe(0);
  expect(stderr).toContain('Asks:');
  if (format === 'text') expect(stdout).toContain('asks: Spend more than $1.00?');
});
