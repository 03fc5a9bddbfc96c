// A worker is killed in the middle of an agent's turn: `npm run test:agents`.
//   - a second later no process of the turn is left
//   - the task ends as succeeded, with one branch and one commit
//   - the call that was under way was paid, and the ledger holds it as `unknown`; all others are on record once
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseScript } from '../../cli/emulator/script.ts';
import { openProvider, type EmulatedProvider } from '../faults/emulated-provider.ts';
import { openFaultWorld, report, type FaultWorld } from '../faults/fault-world.ts';
import { compareBooks, exactBooks, faultsOf } from '../faults/provider-books.ts';
import { until, type Ado } from '../support/ado-platform.ts';
import { processesIn } from '../support/process-table.ts';
import { countCommits, deliveredBranches, git } from '../support/repositories.ts';
import { hasAgent, makeEmptyPackage, programs, rightWork, taskOf } from './agent-world.ts';

jest.setTimeout(240_000);

let world: FaultWorld;
let provider: EmulatedProvider;
let ado: Ado;

/** Its turn works by a tool, then the provider thinks for long: the kill comes in between. */
const thinkMs = 8_000;
const script = {
  answers: programs.flatMap(({ format, shell }) => [
    {
      when: { format, turn: 1 },
      text: 'I begin.',
      toolCalls: [shell(`${rightWork} && echo has-worked-4711`)],
    },
    { when: { format }, text: 'The function is there.' },
  ]),
  faults: programs.map(({ format }) => ({
    when: { format, contains: 'has-worked-4711', calls: [1] },
    lateMs: thinkMs,
  })),
};

beforeAll(async () => {
  world = await openFaultWorld();
  const accounts = ['anthropic', 'openai', 'google'] as const;
  provider = await openProvider(
    parseScript('script', JSON.stringify(script)),
    accounts.map((name) => ({ name, provider: name })),
  );
  ado = await world.startAdo({ env: provider.env });
});
afterAll(async () => {
  await ado.stop();
  await provider.emulator.close();
  await world.stop();
});

describe.each(programs)('$agent', (one) => {
  const suite = hasAgent(one.agent) ? test : test.skip;

  suite(
    'killed in its turn, it ends with one commit, no orphan, and every paid call in the ledger',
    async () => {
      const before = (await provider.lines()).length;
      const repository = makeEmptyPackage();
      const { id } = await ado.submitTask(taskOf(one, repository));
      await ado.seen(
        id,
        ({ type, data }) => type === 'step-finished' && data.kind === 'tools',
        90_000,
      );
      await until('the next call is under way', async () => {
        const { inFlight } = await provider.emulator.counts();
        return inFlight > 0;
      });
      const atWork = processesIn(join(ado.home, 'worktrees')).length;

      await ado.worker.kill9();
      await delay(1_000);
      const orphans = processesIn(join(ado.home, 'worktrees')).length;
      await ado.worker.restart();
      await ado.ended(id, 120_000);

      const task = await ado.getTask(id);
      const lines = (await provider.lines()).slice(before);
      const books = await compareBooks(world, lines, [id]);
      const [branch = ''] = deliveredBranches(repository);
      report(
        `killed ${one.agent}`,
        { of: 'kill -9', count: 1, atLeast: 1 },
        { atWork, orphans, ...books },
      );
      expect(task).toMatchObject({ status: 'succeeded', branch });
      expect(deliveredBranches(repository)).toHaveLength(1);
      expect(countCommits(repository, branch)).toBe(1);
      expect(git(repository, 'show', `${branch}:src/add.js`)).toContain('a + b');
      expect(atWork).toBeGreaterThan(0);
      expect(orphans).toBe(0);
      expect(faultsOf(books)).toEqual(exactBooks);
      expect(books.unknown).toBeGreaterThanOrEqual(1);
      expect(books.unheard).toBeLessThanOrEqual(books.unknown);
    },
  );
});
