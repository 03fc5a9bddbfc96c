// How turns of agents end that do not deliver at once: `npm run test:agents`.
//   - an agent that says that it is done, and changed nothing, has failed
//   - a model of another vendor's wire is refused before anything is started
//   - a credential that is refused, and a budget that is used up, end the task with that, not with the agent's words
//   - a question to a person stops the program; after the yes the turn goes on, and what it had done is not done again
import { parseScript } from '../../cli/emulator/script.ts';
import { keyOf, openProvider, type EmulatedProvider } from '../faults/emulated-provider.ts';
import { startSharedAdo, type Ado } from '../support/ado-platform.ts';
import { processesIn } from '../support/process-table.ts';
import { countCommits, deliveredBranches } from '../support/repositories.ts';
import { hasAgent, makeEmptyPackage, modelOf, programs, rightWork, taskOf } from './agent-world.ts';

const [claude, codex] = programs;
const suite = hasAgent('codex') ? test : test.skip;
let provider: EmulatedProvider;
let ado: Ado;

const script = {
  faults: [{ when: { key: keyOf('refused') }, error: { status: 401 } }],
  answers: [
    { when: { contains: 'IDLE' }, text: 'All is well as it is.' },
    ...(codex === undefined
      ? []
      : [
          {
            when: { turn: 1, contains: 'DEAR' },
            toolCalls: [codex.shell(rightWork)],
            usage: { inputTokens: 100_000, outputTokens: 20 },
          },
        ]),
    ...programs.flatMap(({ format, shell }) => [
      { when: { format, turn: 1 }, text: 'I begin.', toolCalls: [shell(rightWork)] },
      { when: { format }, text: 'The function is there.' },
    ]),
  ],
};

beforeAll(async () => {
  provider = await openProvider(parseScript('script', JSON.stringify(script)), [
    { name: 'anthropic' },
    { name: 'openai', provider: 'openai' },
    { name: 'refused', provider: 'openai' },
  ]);
  ado = await startSharedAdo({ env: provider.env });
});
afterAll(async () => {
  await ado.stop();
  await provider.emulator.close();
});

/** Runs a task of Codex to its end. */
async function run(work: Partial<Parameters<Ado['submitTask']>[0]> = {}) {
  if (codex === undefined) throw new Error('no codex');
  const repository = makeEmptyPackage();
  const { id } = await ado.submitTask({
    ...taskOf(codex, repository),
    ...work,
  });
  await ado.ended(id, 90_000);
  return { task: await ado.getTask(id), repository };
}

suite('done, and nothing changed: that is a failure, and says so', async () => {
  const { task, repository } = await run({ prompt: 'IDLE' });

  expect(task).toMatchObject({ status: 'failed', errorCode: 'AGENT_DID_NOTHING' });
  expect(task.error).toContain('All is well as it is.');
  expect(deliveredBranches(repository)).toEqual([]);
});

suite("a model of another vendor's wire is refused", async () => {
  if (claude === undefined) throw new Error('no claude-code');

  const { task } = await run({ model: modelOf(claude) });

  expect(task).toMatchObject({ status: 'failed', errorCode: 'AGENT_MODEL_UNFIT', steps: 0 });
});

suite('a refused credential ends the task with that', async () => {
  const { task } = await run({ model: 'refused:gpt-5' });

  expect(task).toMatchObject({ status: 'failed', errorCode: 'CREDENTIAL_REFUSED' });
});

suite('a budget that is used up ends the task with that', async () => {
  const { task } = await run({ maxCostMicroUsd: 50 });

  expect(task).toMatchObject({ status: 'failed', errorCode: 'BUDGET_EXCEEDED' });
  expect(task.costMicroUsd).toBeLessThanOrEqual(50);
});

suite(
  'a question to a person stops the program; after the yes its conversation goes on',
  async () => {
    if (codex === undefined) throw new Error('no codex');
    const before = (await provider.lines()).length;
    const repository = makeEmptyPackage();
    const { id } = await ado.submitTask({
      ...taskOf(codex, repository),
      prompt: 'DEAR',
      confirmAboveCostMicroUsd: 100_000,
    });
    const asked = await ado.seen(id, ({ type }) => type === 'approval-requested', 60_000);
    if (asked.type !== 'approval-requested') throw new Error('nobody was asked');
    const waiting = await ado.getTask(id);
    const atWork = processesIn(ado.home);

    await ado.client.call('post /v1/approvals/:approvalId/decision', {
      params: { approvalId: asked.data.approvalId },
      body: { decision: 'approve' },
    });
    await ado.ended(id, 60_000);

    const [branch = ''] = deliveredBranches(repository);
    expect(waiting.status).toBe('awaiting_approval');
    expect(atWork).toEqual([]);
    expect(await ado.getTask(id)).toMatchObject({ status: 'succeeded', branch });
    expect(countCommits(repository, branch)).toBe(1);
    // The work of the first call was not asked for again.
    expect((await provider.lines()).slice(before)).toHaveLength(2);
  },
);
