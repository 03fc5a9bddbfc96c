// A person's word before dear work is sent.
//   - asked is on a terminal only, and only above what is confirmed
//   - a yes confirms all that a task may spend, a no sends nothing
import type { ApiClient } from './api-client.ts';
import { confirmCost } from './confirm-cost.ts';
import { createTerminal } from './terminal.ts';
import type { TaskBody, WorkRequest } from './work-request.ts';

const silent = { write: () => true };
const terminal = createTerminal({
  ...{ stdout: silent, stderr: silent, color: 'never', noColor: true, quiet: true, verbose: false },
});

/** What became of a request, and what was asked of whom. */
async function confirm(
  change: Partial<TaskBody>,
  { high = 2_500_000, answer = 'y', yes = false, alone = false } = {},
) {
  const questions: string[] = [];
  const calls: string[] = [];
  const call = async (route: string): Promise<unknown> => {
    calls.push(route);
    return route === 'get /v1/key'
      ? { confirmAboveCostMicroUsd: 1_000_000 }
      : { estimate: { highMicroUsd: high } };
  };
  const ask = async (question: string): Promise<string> => {
    questions.push(question);
    return answer;
  };
  const body: TaskBody = {
    prompt: 'x',
    repository: '/r',
    agent: 'builtin',
    model: 'm:m',
    ...change,
  };
  const request: WorkRequest = { kind: 'task', body };
  const api = { call } as unknown as Pick<ApiClient, 'call'>;
  const cli = { terminal, ask: alone ? undefined : ask };
  const sent = await confirmCost(cli, api, { request, yes });
  return { sent: sent?.body, questions, calls };
}

test('a yes confirms all that the task may spend', async () => {
  const { sent, questions } = await confirm({ maxCostMicroUsd: 4_000_000 });

  expect(questions).toEqual(['This may cost up to about $2.50. Go on? [y/N] ']);
  expect(sent).toMatchObject({
    maxCostMicroUsd: 4_000_000,
    confirmAboveCostMicroUsd: 4_000_000,
  });
  expect((await confirm({})).sent?.confirmAboveCostMicroUsd).toBe(10_000_000);
});

test.each(['', 'n', 'no', 'yep'])('anything but a yes sends nothing: "%s"', async (answer) => {
  expect((await confirm({}, { answer })).sent).toBeUndefined();
});

test('nobody is asked about work that costs no more than is confirmed', async () => {
  expect(await confirm({}, { high: 1_000_000 })).toMatchObject({
    sent: expect.not.objectContaining({ confirmAboveCostMicroUsd: expect.anything() }),
    questions: [],
  });
  const above = { confirmAboveCostMicroUsd: 3_000_000 };
  expect(await confirm(above)).toMatchObject({ sent: above, questions: [] });
  expect((await confirm({ confirmAboveCostMicroUsd: 5 })).questions).toHaveLength(1);
});

test('--yes asks neither a person nor the server', async () => {
  expect(await confirm({}, { yes: true })).toMatchObject({
    ...{ sent: { confirmAboveCostMicroUsd: 10_000_000 }, questions: [], calls: [] },
  });
});

test('without a terminal the request goes as it is, and --max-cost alone confirms nothing', async () => {
  const { sent, calls } = await confirm({ maxCostMicroUsd: 4_000_000 }, { alone: true });

  expect(sent?.confirmAboveCostMicroUsd).toBeUndefined();
  expect(calls).toEqual([]);
});

test('a command costs nothing', async () => {
  const command = { agent: 'command', exec: 'true', model: undefined } as const;

  expect(await confirm(command)).toMatchObject({ questions: [], calls: [] });
});
