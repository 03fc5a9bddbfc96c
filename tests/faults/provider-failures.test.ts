// Providers that refuse, fail, cut, repeat themselves and are not there: what becomes of the tasks, and of the money.
//   F30  nobody asks before the time is over that a 429 names, in no worker
//   F31  an account without money is asked once; its tasks go elsewhere, or wait for money
//   F32  a storm of 500, 503 and 529 opens the breaker: few calls more than without it
//   F33  an answer that comes too late is held as `unknown`, with more money than it cost
//   F34  a stream that is cut at any event costs what the provider had told by then, and no half tool call runs
//   F35  an error inside a 200 is one more try, and many of them open the breaker
//   F38  an account that is down is left for another one, and seldom asked
import { findFreePorts } from '../../cli/dev/ports.ts';
import type { CallLine } from '../../cli/emulator/call-log.ts';
import type { Task } from '../../contracts/task.schema.ts';
import type { Ado } from '../support/ado-platform.ts';
import { until } from '../support/ado-platform.ts';
import { makeRepositories } from '../support/repositories.ts';
import { keyOf, openProvider, vendors, workOf } from './emulated-provider.ts';
import type { EmulatedProvider } from './emulated-provider.ts';
import { openFaultWorld, queryAdo, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';
import { chargeFor, compareBooks, exactBooks, faultsOf } from './provider-books.ts';

/** Accounts of their own for each test, as breakers and pauses outlast it. */
const accounts = [
  { name: 'limited' },
  { name: 'broke' },
  { name: 'rich' },
  { name: 'broke-anthropic' },
  { name: 'broke-openai', provider: 'openai' },
  { name: 'broke-google', provider: 'google' },
  { name: 'stormy' },
  { name: 'late' },
  { name: 'cut-anthropic' },
  { name: 'cut-openai', provider: 'openai' },
  { name: 'cut-google', provider: 'google' },
  { name: 'erring' },
  { name: 'overloaded' },
  { name: 'down' },
  { name: 'up' },
  { name: 'up-too' },
] as const;

let world: FaultWorld;
let provider: EmulatedProvider;
let ado: Ado;
/** What is to be closed, last first. */
const open: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  world = await openFaultWorld();
  open.push(() => world.stop());
  const [nobody = 0] = await findFreePorts(1);
  provider = await openProvider(workOf(1), [...accounts, { name: 'refusing', port: nobody }]);
  open.push(() => provider.emulator.close());
  ado = await world.startAdo({ workers: [{}, {}], env: provider.env });
  open.push(() => ado.stop());
}, 180_000);
afterAll(async () => {
  for (const close of open.toReversed()) await close();
});

const claude = vendors.anthropic.model;

/** Submits so many tasks at once. */
async function submit(count: number, model: string, more: object = {}): Promise<string[]> {
  const tasks = await Promise.all(
    makeRepositories(count).map((repository) =>
      ado.submitTask({ prompt: 'Work', agent: 'builtin', model, repository, ...more }),
    ),
  );
  return tasks.map(({ id }) => id);
}

/** Waits for the ends of tasks; answers them. */
async function ends(taskIds: readonly string[], timeoutMs = 120_000): Promise<Task[]> {
  await Promise.all(taskIds.map((id) => ado.ended(id, timeoutMs)));
  return Promise.all(taskIds.map((id) => ado.getTask(id)));
}

function notSucceeded(tasks: readonly Task[]): string[] {
  return tasks
    .filter(({ status }) => status !== 'succeeded')
    .map(({ status, error }) => `${status}: ${error ?? ''}`);
}

const startOf = ({ at }: CallLine): number => Date.parse(at);
const endOf = (line: CallLine): number => startOf(line) + line.tookMs;

test('F30: after a 429 nobody asks before its time is over', async () => {
  const key = keyOf('limited');
  const waitMs = 6_000;
  const faults = [
    { when: { key, calls: [15] }, error: { status: 429, retryAfterMs: waitMs } },
    { firstTokenMs: 200 },
  ];
  provider.emulator.useScript(workOf(6, { faults }));

  const taskIds = await submit(10, `limited:${claude}`);
  const tasks = await ends(taskIds);

  const lines = await provider.lines('limited');
  const refused = lines.filter(({ status }) => status === 429);
  const told = refused.map(endOf)[0] ?? 0;
  const starts = lines.map(startOf).filter((at) => at > told);
  // Calls that had been let in when it came are on their way for a moment.
  const early = starts.filter((at) => at > told + 500 && at < told + waitMs - 10).length;
  const first = Math.min(...starts.filter((at) => at >= told + waitMs - 10));
  const books = await compareBooks(world, lines, taskIds);
  report(
    'F30',
    { of: '429', count: refused.length, atLeast: 1 },
    {
      'on their way when it came': starts.filter((at) => at <= told + 500).length,
      'asked too early': early,
      'asked again after (s)': (first - told) / 1_000,
      ...books,
    },
  );
  expect({ early, lost: notSucceeded(tasks), refused: refused.length }).toEqual({
    early: 0,
    lost: [],
    refused: 1,
  });
  expect(first - told).toBeLessThan(waitMs + 5_000);
  expect(faultsOf(books)).toEqual(exactBooks);
}, 150_000);

test('F31: an account without money is asked once, and its tasks go on with the next one', async () => {
  const faults = [{ when: { key: keyOf('broke') }, error: { status: 402 } }];
  provider.emulator.useScript(workOf(4, { faults }));
  const model = `broke:${claude},rich:${claude}`;

  const first = await submit(1, model);
  const tasks = await ends(first);
  const others = await submit(5, model);
  tasks.push(...(await ends(others)));

  const asked = (await provider.lines('broke')).length;
  const lines = await provider.lines('broke', 'rich');
  const books = await compareBooks(world, lines, [...first, ...others]);
  report('F31', { of: '402', count: asked, atLeast: 1 }, { ...books });
  expect({ asked, lost: notSucceeded(tasks) }).toEqual({ asked: 1, lost: [] });
  expect(faultsOf(books)).toEqual(exactBooks);
});

test('F31: where there is no other account, tasks wait for money', async () => {
  const errors = {
    anthropic: { status: 400, message: 'Your credit balance is too low to access the API.' },
    openai: { status: 429, type: 'insufficient_quota', message: 'You exceeded your quota.' },
    google: { status: 402 },
  } as const;
  const names = Object.keys(errors) as (keyof typeof errors)[];
  const faults = names.map((name) => ({
    when: { key: keyOf(`broke-${name}`) },
    error: errors[name],
  }));
  provider.emulator.useScript(workOf(2, { faults }));

  const taskIds = await Promise.all(
    names.map(async (name) => (await submit(1, `broke-${name}:${vendors[name].model}`))[0] ?? ''),
  );
  const read = () => Promise.all(taskIds.map((id) => ado.getTask(id)));
  await until(
    'all wait for money',
    async () => (await read()).every(({ waitingFor }) => waitingFor?.reason === 'budget'),
    30_000,
  );
  const waiting = await read();

  const asked = await Promise.all(
    names.map(async (name) => (await provider.lines(`broke-${name}`)).length),
  );
  report(
    'F31',
    { of: 'accounts without money', count: waiting.length, atLeast: 3 },
    { 'calls of each': asked.join(', '), 'wait for': waiting[0]?.waitingFor?.detail ?? '' },
  );
  expect(asked).toEqual([1, 1, 1]);
  expect(waiting.map(({ status }) => status)).toEqual(['running', 'running', 'running']);
  for (const taskId of taskIds)
    await ado.client.call('post /v1/tasks/:taskId/cancel', { params: { taskId }, body: {} });
  const tasks = await ends(taskIds, 30_000);
  expect(tasks.map(({ status }) => status)).toEqual(['cancelled', 'cancelled', 'cancelled']);
});

// 20 s stand for the 60 s of a long one: the breaker opens, and opens again after its first probe.
test('F32: a storm of 20 s opens the breaker, and costs a tenth more calls at most', async () => {
  const [tasksAtOnce, turns, stormMs] = [6, 25, 20_000];
  const calm = workOf(turns, { faults: [{ firstTokenMs: 150 }] });
  const key = keyOf('stormy');
  const storm = workOf(turns, {
    faults: [500, 503, 529].map((status, index) => ({
      when: { key, ...(index < 2 ? { calls: [1 + index, 4 + index, 7 + index] } : {}) },
      error: { status },
    })),
  });
  provider.emulator.useScript(calm);

  const taskIds = await submit(tasksAtOnce, `stormy:${claude}`);
  await until('work', async () => (await provider.lines('stormy')).length >= 30, 60_000);
  provider.emulator.useScript(storm);
  const began = Date.now();
  await new Promise((resolve) => setTimeout(resolve, stormMs));
  provider.emulator.useScript(calm);
  const ended = Date.now();
  const tasks = await ends(taskIds, 150_000);

  const lines = await provider.lines('stormy');
  const failed = lines.filter(({ outcome }) => outcome === 'failed');
  // Those under way when it opened have come back by then.
  const whileOpen = failed.filter((line) => startOf(line) > began + 3_000).length;
  const amplification = lines.length / (tasksAtOnce * turns);
  const back = Math.min(...lines.map(startOf).filter((at) => at > ended));
  const books = await compareBooks(world, lines, taskIds);
  report(
    'F32',
    { of: 'errors', count: failed.length, atLeast: 4 },
    {
      'asked while it was open': whileOpen,
      amplification,
      'asked again after (s)': (back - ended) / 1_000,
      ...books,
    },
  );
  expect(whileOpen).toBeLessThanOrEqual(2);
  expect(amplification).toBeLessThanOrEqual(1.1);
  expect(notSucceeded(tasks)).toEqual([]);
  expect(faultsOf(books)).toEqual(exactBooks);
}, 200_000);

test('F33: an answer that comes after the end of its task is bought once, and held as unknown', async () => {
  const timeoutMs = 8_000;
  const faults = [{ when: { key: keyOf('late') }, lateMs: 30_000 }];
  provider.emulator.useScript(workOf(2, { faults }));

  const taskIds = await submit(1, `late:${claude}`, { timeoutMs });
  const [task] = await ends(taskIds);

  const lines = await provider.lines('late');
  const reservations = await queryAdo<{ state: string; amount_micro_usd: string }>(
    world,
    'select state, amount_micro_usd from reservations where task_id = any($1)',
    [taskIds],
  );
  const charged = lines.map(({ model, billed }) => chargeFor(model, billed));
  const tookMs = Date.parse(task?.endedAt ?? '') - Date.parse(task?.startedAt ?? '');
  const books = await compareBooks(world, lines, taskIds);
  report(
    'F33',
    { of: 'answers too late', count: lines.length, atLeast: 1 },
    { charged: charged.join(', '), 'the task took (ms)': tookMs, ...books },
  );
  expect(task).toMatchObject({ status: 'failed', errorCode: 'TASK_TIMEOUT' });
  expect(lines.map(({ outcome }) => outcome)).toEqual(['lost']);
  expect(reservations.map(({ state }) => state)).toEqual(['unknown']);
  expect(Number(reservations[0]?.amount_micro_usd)).toBeGreaterThanOrEqual(charged[0] ?? Infinity);
  expect(tookMs).toBeLessThan(timeoutMs + 3_000);
  expect(faultsOf(books)).toEqual(exactBooks);
});

test('F34: streams that are cut at every event cost what was told, and no half tool call runs', async () => {
  const names = ['anthropic', 'openai', 'google'] as const;
  const says = { text: 'Let me look at it first.', reasoning: 'What is asked for?' };
  const turns = 28;
  // The first call of each turn is cut one event later than that of the turn before.
  const faults = names.flatMap((name) =>
    Array.from({ length: turns - 1 }, (_, event) => ({
      when: { key: keyOf(`cut-${name}`), turn: event + 1, calls: [1] },
      cutAtEvent: event,
    })),
  );
  provider.emulator.useScript(workOf(turns, { faults, says }));

  const taskIds = await Promise.all(
    names.map(async (name) => (await submit(1, `cut-${name}:${vendors[name].model}`))[0] ?? ''),
  );
  const tasks = await ends(taskIds, 150_000);

  const toolSteps = await queryAdo<{ task_id: string; count: string }>(
    world,
    "select task_id, count(*) from steps where kind = 'tools' and task_id = any($1) group by 1",
    [taskIds],
  );
  expect(notSucceeded(tasks)).toEqual([]);
  expect(toolSteps.map(({ count }) => Number(count))).toEqual([turns - 1, turns - 1, turns - 1]);
  for (const [index, name] of names.entries()) {
    const lines = await provider.lines(`cut-${name}`);
    const cut = lines.filter(({ outcome }) => outcome === 'cut');
    const books = await compareBooks(world, lines, taskIds.slice(index, index + 1));
    const events = Math.max(...cut.map(({ event = 0 }) => event));
    report(
      'F34',
      { of: `streams of ${name} cut`, count: cut.length, atLeast: turns - 1 },
      {
        'events of an answer': events,
        'cut with usage told': cut.filter(({ told }) => told !== null).length,
        ...books,
      },
    );
    // The last cuts came behind the last event: every index was met.
    expect(events).toBeLessThan(turns - 2);
    expect(faultsOf(books)).toEqual(exactBooks);
  }
}, 200_000);

// From the second event on: an error that comes first is one without an answer, and taken to cost nothing.
test('F35: an error inside a 200, at any event, leads to one more try', async () => {
  const turns = 14;
  const faults = Array.from({ length: turns - 1 }, (_, index) => ({
    when: { key: keyOf('erring'), turn: index + 1, calls: [1] },
    errorAtEvent: { event: index + 1, status: 529 },
  }));
  provider.emulator.useScript(workOf(turns, { faults }));

  const taskIds = await submit(1, `erring:${claude}`);
  const tasks = await ends(taskIds, 150_000);

  const lines = await provider.lines('erring');
  const failed = lines.filter(({ outcome }) => outcome === 'error-event').length;
  const books = await compareBooks(world, lines, taskIds);
  report('F35', { of: 'errors inside a 200', count: failed, atLeast: 10 }, { ...books });
  expect(notSucceeded(tasks)).toEqual([]);
  // What follows the last event of an answer makes it no worse.
  expect(lines.length - turns).toBeGreaterThanOrEqual(7);
  expect(faultsOf(books)).toEqual(exactBooks);
}, 200_000);

test('F35: a provider that is overloaded inside its 200s is left alone until it has recovered', async () => {
  const [tasksAtOnce, turns, stormMs] = [4, 6, 10_000];
  const calm = workOf(turns, { faults: [{ firstTokenMs: 150 }] });
  const faults = [{ when: { key: keyOf('overloaded') }, errorAtEvent: { event: 1, status: 529 } }];
  provider.emulator.useScript(calm);

  const taskIds = await submit(tasksAtOnce, `overloaded:${claude}`);
  await until('work', async () => (await provider.lines('overloaded')).length >= 4, 60_000);
  provider.emulator.useScript(workOf(turns, { faults }));
  await new Promise((resolve) => setTimeout(resolve, stormMs));
  provider.emulator.useScript(calm);
  const tasks = await ends(taskIds, 150_000);

  const lines = await provider.lines('overloaded');
  const failed = lines.filter(({ outcome }) => outcome === 'error-event').length;
  const books = await compareBooks(world, lines, taskIds);
  report('F35', { of: 'errors inside a 200', count: failed, atLeast: 3 }, { ...books });
  expect(notSucceeded(tasks)).toEqual([]);
  expect(failed).toBeLessThanOrEqual(3 + tasksAtOnce);
  expect(faultsOf(books)).toEqual(exactBooks);
}, 200_000);

test('F38: an account that answers 529 only is left for the next one', async () => {
  const faults = [{ when: { key: keyOf('down') }, error: { status: 529 } }];
  provider.emulator.useScript(workOf(6, { faults: [...faults, { firstTokenMs: 150 }] }));
  const began = Date.now();

  const taskIds = await submit(12, `down:${claude},up:${claude}`);
  const tasks = await ends(taskIds);
  const later = await submit(4, `down:${claude},up:${claude}`);
  tasks.push(...(await ends(later)));

  const seconds = (Date.now() - began) / 1_000;
  const down = await provider.lines('down');
  const lines = await provider.lines('down', 'up');
  const books = await compareBooks(world, lines, [...taskIds, ...later]);
  report(
    'F38',
    { of: '529', count: down.length, atLeast: 1 },
    { 'in (s)': seconds, tasks: tasks.length, ...books },
  );
  expect(notSucceeded(tasks)).toEqual([]);
  // Each of the first may have met it; then one probe in 15 s.
  expect(down.length).toBeLessThanOrEqual(12 + Math.ceil(seconds / 15));
  expect(faultsOf(books)).toEqual(exactBooks);
}, 150_000);

test('F38: an account that nobody answers for is left for the next one', async () => {
  provider.emulator.useScript(workOf(6));

  const taskIds = await submit(8, `refusing:${claude},up-too:${claude}`);
  const tasks = await ends(taskIds);

  const lines = await provider.lines('up-too');
  const [row] = await queryAdo<{ count: string }>(
    world,
    `select count(*) from usage_records, json_array_elements(routes::json) as route
     where task_id = any($1) and route->>'verdict' like '%cannot be reached%'`,
    [taskIds],
  );
  const unreachable = Number(row?.count);
  const books = await compareBooks(world, lines, taskIds);
  report('F38', { of: 'connections refused', count: unreachable, atLeast: 1 }, { ...books });
  expect(notSucceeded(tasks)).toEqual([]);
  expect(unreachable).toBeLessThanOrEqual(8);
  expect(faultsOf(books)).toEqual(exactBooks);
});
