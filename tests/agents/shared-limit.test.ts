// Twenty repositories by claude-code, five at once, beside a batch of the builtin agent on the same account, whose provider
// takes sixty requests a minute: `npm run test:agents`.
//   - the provider refuses none of them, all tasks succeed, and the books are the provider's log
import { parseScript } from '../../cli/emulator/script.ts';
import { openProvider, vendors } from '../faults/emulated-provider.ts';
import { openFaultWorld, report } from '../faults/fault-world.ts';
import { compareBooks, exactBooks, faultsOf } from '../faults/provider-books.ts';
import { makeRepositories } from '../support/repositories.ts';
import { hasAgent } from './agent-world.ts';

jest.setTimeout(420_000);

const perMinute = 60;
const burst = 6;
const script = {
  // A call may need a while from ado's limiter to the provider, on a busy machine.
  limits: { requests: { perMinute, burst: burst + 4 } },
  answers: [
    {
      when: { turn: 1, contains: 'BUILTIN' },
      toolCalls: [{ tool: 'write_file', input: { path: 'DONE.md', content: 'done' } }],
    },
    {
      when: { turn: 1 },
      toolCalls: [{ tool: 'Bash', input: { command: 'echo done > DONE.md', description: 'work' } }],
    },
    { text: 'Done.' },
  ],
};
const suite = hasAgent('claude-code') ? test : test.skip;

suite('an account that two agents share is never asked more often than it allows', async () => {
  const limits = [{ charge: 'requests', limit: perMinute, per: 'minute', burst }];
  const provider = await openProvider(parseScript('script', JSON.stringify(script)), [
    { name: 'shared', limits },
  ]);
  const world = await openFaultWorld();
  await world.withAdo({ env: provider.env }, async (ado) => {
    const model = `shared:${vendors.anthropic.model}`;
    const submit = async (agent: 'claude-code' | 'builtin', count: number) =>
      ado.submitBatch({
        prompt: agent === 'builtin' ? 'BUILTIN: write DONE.md' : 'Write DONE.md',
        agent,
        model,
        parallel: 5,
        gates: [{ name: 'done', command: 'grep done DONE.md' }],
        items: makeRepositories(count).map((repository) => ({ repository })),
      });

    const began = Date.now();
    const batches = await Promise.all([submit('claude-code', 20), submit('builtin', 10)]);
    for (const { id } of batches) await ado.ended(id, 360_000);

    const tookMs = Date.now() - began;
    const tasks = (await Promise.all(batches.map(({ id }) => ado.listItems(id)))).flat();
    const lines = await provider.lines();
    const books = await compareBooks(
      world,
      lines,
      tasks.map(({ id }) => id),
    );
    const violations = lines.filter(({ outcome }) => outcome === 'refused').length;
    const figures = { violations, seconds: Math.round(tookMs / 1_000), ...books };
    report('shared limit', { of: 'calls', count: lines.length, atLeast: 60 }, figures);
    expect(tasks.filter(({ outcome }) => outcome !== 'succeeded')).toEqual([]);
    expect(violations).toBe(0);
    expect(faultsOf(books)).toEqual(exactBooks);
    expect(books).toMatchObject({ unheard: 0, records: books.billed });
  });
  await provider.emulator.close();
  await world.stop();
});
