/**
 * Records histories of real runs for replay.test.ts: `node tests/replay/record.ts` adds one file for each scenario, named
 * `<workflow>-<what>-<date>.json`; `node tests/replay/record.ts asking` only those of tasks that ask people, and `stuck`
 * that of one that is stuck, `people` those whose work people are asked about: their activities are faked. To be run when a workflow has changed; recorded files are never edited.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowExecutionInfo } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { v7 } from 'uuid';
import type { WorkflowEngine } from '../../adapters/ports.ts';
import { createWorkflowEngine } from '../../adapters/temporal/workflow-engine.ts';
import { checkoutRoot } from '../../cli/dev/checkout.ts';
import type { ApprovalQuestion } from '../../contracts/approval.ts';
import { openFaultWorld, queryAdo } from '../faults/fault-world.ts';
import type { FaultWorld } from '../faults/fault-world.ts';
import { localTenantId, taskQueues } from '../../contracts/names.ts';
import type { Ado } from '../support/ado-platform.ts';
import { fakeActivities, succeeded } from '../support/fake-activities.ts';
import { makeRepositories, makeRepository } from '../support/repositories.ts';

/** The histories to save, each under the name of what it shows. */
type Recorded = ReadonlyMap<string, { readonly workflowId: string }>;

const editTwice = `
answers:
  - toolCalls: [{ tool: write_file, input: { path: README.md, content: Bye } }]
  - text: Done.
  - toolCalls: [{ tool: write_file, input: { path: README.md, content: Hello } }]
  - text: Now it greets.
`;
const neverGreets = `answers: [${Array.from({ length: 6 }, () => '{ text: Done. }').join(', ')}]`;
const thinksLong = 'answers: [{ text: Done., delayMs: 60000 }]';

function builtin(script: string): {
  agent: 'builtin';
  model: string;
  gates: { name: string; command: string }[];
} {
  const file = join(mkdtempSync(join(tmpdir(), 'ado-record-')), 'script.yaml');
  writeFileSync(file, script);
  const gates = [{ name: 'greets', command: 'grep Hello README.md' }];
  return { agent: 'builtin', model: `scripted:${file}`, gates };
}

async function recordTasks(ado: Ado): Promise<Recorded> {
  const run = async (work: object): Promise<string> => {
    const body = {
      prompt: 'Greet',
      repository: makeRepository(),
      agent: 'command',
      ...work,
    } as const;
    return (await ado.submitTask(body)).id;
  };
  const cancelled = async (work: object): Promise<string> => {
    const id = await run(work);
    await ado.seen(id, ({ type }) => type === 'task-started');
    await ado.client.call('post /v1/tasks/:taskId/cancel', { params: { taskId: id }, body: {} });
    return id;
  };
  const tasks = new Map([
    ['agentTask-command', { workflowId: await run({ exec: 'echo x > x' }) }],
    ['agentTask-command-failed', { workflowId: await run({ exec: 'exit 7' }) }],
    ['agentTask-command-cancelled', { workflowId: await cancelled({ exec: 'sleep 3600' }) }],
    ['agentTask-builtin-repair', { workflowId: await run(builtin(editTwice)) }],
    ['agentTask-builtin-stuck', { workflowId: await run(builtin(neverGreets)) }],
    ['agentTask-builtin-cancelled', { workflowId: await cancelled(builtin(thinksLong)) }],
  ]);
  for (const { workflowId } of tasks.values()) await ado.ended(workflowId);
  return tasks;
}

async function recordBatches(ado: Ado, world: FaultWorld): Promise<Recorded> {
  const submit = async (exec: string): Promise<string> => {
    const items = makeRepositories(12).map((repository) => ({ repository }));
    const body = { prompt: 'Greet', agent: 'command', exec, parallel: 3, items } as const;
    return (await ado.submitBatch(body)).id;
  };
  // Its start waits in the outbox until Temporal is back, told meanwhile to continue as new after few events.
  await world.temporal.kill9();
  const continued = await submit('echo x > x');
  await queryAdo(
    world,
    "update outbox set message = jsonb_set(message::jsonb, '{input,maxHistoryEvents}', '60')::json",
  );
  await world.temporal.restart();
  await ado.ended(continued);

  const plain = await submit(
    '[ "$ADO_REPOSITORY" != "${ADO_REPOSITORY%03}" ] && exit 7; echo x > x',
  );
  await ado.ended(plain);

  const cancelled = await submit('sleep 3600');
  await ado.seen(cancelled, ({ type }) => type === 'item-started');
  await ado.client.call('post /v1/batches/:batchId/cancel', {
    params: { batchId: cancelled },
    body: {},
  });
  await ado.ended(cancelled);
  return new Map([
    ['agentBatch-continue-as-new', { workflowId: continued }],
    ['agentBatch-some-failed', { workflowId: plain }],
    ['agentBatch-cancelled', { workflowId: cancelled }],
  ]);
}

async function save(world: FaultWorld, recorded: Recorded): Promise<void> {
  const connection = await Connection.connect({ address: world.temporal.address });
  const { workflow } = new Client({ connection, namespace: world.temporal.namespace });
  const date = new Date().toISOString().slice(0, 10);
  for (const [name, { workflowId }] of recorded) {
    const runs: WorkflowExecutionInfo[] = [];
    for await (const run of workflow.list({ query: `WorkflowId = '${workflowId}'` }))
      runs.push(run);
    runs.sort((one, other) => one.startTime.getTime() - other.startTime.getTime());
    for (const [place, { runId }] of runs.entries()) {
      const handle = workflow.getHandle(workflowId, runId);
      await handle.result().catch(() => undefined);
      const text = JSON.stringify(JSON.parse(historyToJSON(await handle.fetchHistory())))
        .replaceAll(checkoutRoot(), '/checkout')
        .replaceAll(/"identity":"[^"]*"/g, '"identity":"worker"');
      const suffix = place === 0 ? '' : `-run-${place + 1}`;
      writeFileSync(
        join(import.meta.dirname, 'histories', `${name}${suffix}-${date}.json`),
        `${text}\n`,
        // A history that is there stays: a second one of a day is recorded under another name.
        { flag: 'wx' },
      );
    }
  }
  await connection.close();
}

/** A task on faked activities, and what is done while it runs. */
interface FakedRun {
  readonly name: string;
  readonly fake: ReturnType<typeof fakeActivities>;
  readonly meanwhile?: (engine: WorkflowEngine, taskId: string) => Promise<void>;
  /** Default: `builtin`. */
  readonly agent?: 'builtin' | 'command';
}

/** Tasks whose activities are faked: those that ask people, and one that is stuck. */
async function recordFaked(world: FaultWorld, runs: readonly FakedRun[]): Promise<Recorded> {
  const { address, namespace } = world.temporal;
  const connection = await NativeConnection.connect({ address });
  const engine = createWorkflowEngine({ address, namespace });
  await engine.ensureSearchAttributes();
  const recorded = new Map<string, { workflowId: string }>();
  for (const { name, fake, meanwhile, agent = 'builtin' } of runs) {
    const taskId = `task-${v7()}`;
    const { activities } = fake;
    const queues = [...Object.values(taskQueues), 'ado-agents@test'];
    const workers = await Promise.all(
      queues.map((taskQueue) =>
        Worker.create({
          connection,
          namespace,
          taskQueue,
          activities,
          ...(taskQueue === taskQueues.workflows
            ? { workflowsPath: join(checkoutRoot(), 'workflows') }
            : {}),
        }),
      ),
    );
    const running = workers.map((worker) => worker.run());
    const input = { tenantId: localTenantId, taskId, attempt: 1 } as const;
    const shown = { agent, repository: '/repositories/one', timeoutMs: 60_000 } as const;
    const start = { kind: 'start-task', workflowId: taskId, priority: 3 } as const;
    await engine.deliver({ ...start, input: { ...input, ...shown } });
    await meanwhile?.(engine, taskId);
    while (!fake.ended.has(taskId)) await new Promise((resolve) => setTimeout(resolve, 100));
    recorded.set(name, { workflowId: taskId });
    // Its last workflow task is done when the workers have stopped.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  }
  await Promise.all([connection.close(), engine.close()]);
  return recorded;
}

/** One is answered after a reminder, for the others the default counts; of one another pool asks the models. */
function askingRuns(): FakedRun[] {
  const asksAt = { step: 1, deadlineMs: 1_000 };
  const asksElsewhere = fakeActivities({ asksElsewhere: true, asksAt });
  const asks = fakeActivities({ asksAt: { step: 1, deadlineMs: 60_000, remindersMs: [500] } });
  const asksInVain = fakeActivities({ asksAt });
  return [
    {
      name: 'agentTask-builtin-asks',
      fake: asks,
      async meanwhile(engine, taskId) {
        await asks.seen('remindApproval 1');
        const { approval } = asks;
        const answer = { approvalId: approval.approvalId ?? '', decision: 'approve' } as const;
        approval.decision = 'approve';
        await engine.deliver({ kind: 'decide-approval', workflowId: taskId, answer });
      },
    },
    {
      name: 'agentTask-builtin-asks-in-vain',
      fake: asksInVain,
      meanwhile: () => asksInVain.seen('expireApproval'),
    },
    { name: 'agentTask-builtin-asks-elsewhere', fake: asksElsewhere },
  ];
}

/** Stuck, told to try another approach, and stuck again. */
function stuckRuns(): FakedRun[] {
  const fake = fakeActivities({ takeTurn: () => ({ fingerprint: 'same' }) });
  return [{ name: 'agentTask-builtin-other-approach', fake }];
}

/** A stuck agent goes on twice, once stuck again, once out of rounds; a command asks before its delivery. */
function peopleRuns(): FakedRun[] {
  let calls = 0;
  const question: ApprovalQuestion = {
    ...{ kind: 'edits_review', title: 'May it?', key: 'edits_review:c' },
    facts: {
      ...{ commit: 'c', diffStat: { files: 1, insertions: 1, deletions: 0 } },
      ...{ summary: 'done', passedGates: [] },
    },
  };
  const reviewed = fakeActivities({
    lastWords: ['approve'],
    performCommandTask({ taskId }) {
      calls += 1;
      if (calls > 1) return Promise.resolve(succeeded(taskId));
      const hold = { kind: 'ask', question } as const;
      return Promise.resolve({ next: 'hold', hostQueue: 'ado-agents@test', hold });
    },
  });
  const goesOn = fakeActivities({
    lastWords: ['approve', 'approve', 'reject'],
    takeTurn: (step) => ({ fingerprint: step < 13 || step > 33 ? 'same' : String(step) }),
  });
  return [
    { name: 'agentTask-builtin-goes-on', fake: goesOn },
    { name: 'agentTask-command-reviewed', fake: reviewed, agent: 'command' },
  ];
}

const fakedRuns: Readonly<Record<string, () => FakedRun[]>> = {
  asking: askingRuns,
  stuck: stuckRuns,
  people: peopleRuns,
};

const world = await openFaultWorld();
const only = fakedRuns[process.argv[2] ?? ''];
if (only !== undefined) {
  await save(world, await recordFaked(world, only()));
} else {
  const ado = await world.startAdo();
  const recorded = new Map([...(await recordTasks(ado)), ...(await recordBatches(ado, world))]);
  await ado.stop();
  const faked = Object.values(fakedRuns).flatMap((runs) => runs());
  await save(world, new Map([...recorded, ...(await recordFaked(world, faked))]));
}
await world.stop();
