// The same task by every agent, its model played by the emulator: `npm run test:agents`.
//   - it ends as succeeded with one branch, whose gate is green; a first try that is wrong is sent back and mended
//   - ado's books say of every call what the provider's log says
import { parseScript } from '../../cli/emulator/script.ts';
import { keyOf, openProvider, type EmulatedProvider } from '../faults/emulated-provider.ts';
import { openFaultWorld, type FaultWorld } from '../faults/fault-world.ts';
import { compareBooks, exactBooks, faultsOf } from '../faults/provider-books.ts';
import type { Ado } from '../support/ado-platform.ts';
import { countCommits, deliveredBranches, git } from '../support/repositories.ts';
import { given, hasAgent, makeEmptyPackage, rightWork, taskOf } from './agent-world.ts';

jest.setTimeout(180_000);

let world: FaultWorld;
let provider: EmulatedProvider;
let ado: Ado;

const wrongWork = rightWork.replace('a + b', 'a - b');
const answers = given.flatMap(({ provider: named, account = named, format, shell }) => {
  const when = { format, key: keyOf(account) };
  return [
    { when: { ...when, contains: 'The check "test" failed' }, toolCalls: [shell(rightWork)] },
    { when: { ...when, turn: 1 }, text: 'I begin.', toolCalls: [shell(wrongWork)] },
    { when, text: 'The function is there.' },
  ];
});

beforeAll(async () => {
  world = await openFaultWorld();
  provider = await openProvider(
    parseScript('script', JSON.stringify({ answers })),
    given.map(({ provider: named, account = named }) => ({ name: account, provider: named })),
  );
  ado = await world.startAdo({ env: provider.env });
});
afterAll(async () => {
  await ado.stop();
  await provider.emulator.close();
  await world.stop();
});

test.each(given.filter(({ agent }) => hasAgent(agent)))(
  '$agent adds a function and its test',
  async (one) => {
    const before = (await provider.lines()).length;
    const repository = makeEmptyPackage();

    const { id } = await ado.submitTask(taskOf(one, repository));
    await ado.ended(id, 120_000);

    const task = await ado.getTask(id);
    const lines = (await provider.lines()).slice(before);
    const books = await compareBooks(world, lines, [id]);
    const [branch = ''] = deliveredBranches(repository);
    expect(task).toMatchObject({ status: 'succeeded', branch, summary: 'The function is there.' });
    expect(deliveredBranches(repository)).toHaveLength(1);
    expect(countCommits(repository, branch)).toBe(2);
    expect(git(repository, 'show', `${branch}:src/add.js`)).toContain('a + b');
    const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
      params: { taskId: id },
      query: { limit: 100 },
    });
    const gates = items.filter(({ kind }) => kind === 'gate').map(({ status }) => status);
    expect(gates).toEqual(['failed', 'succeeded']);
    expect(faultsOf(books)).toEqual(exactBooks);
    expect(books).toMatchObject({ unheard: 0, records: books.billed });
    expect(books.billed).toBeGreaterThanOrEqual(4);
  },
);
