import { bodyOf, titleOf } from './pull-request.ts';

const work = {
  task: {
    ref: { tenantId: 'local', taskId: 'task-1', attempt: 1 },
    ...{ prompt: 'Greet', repository: 'https://github.com/acme/widgets', branch: 'ado/greet-1' },
    delivery: { mode: 'pull-request' as const },
  },
  summary: 'It greets.',
  diffStat: { files: 2, insertions: 10, deletions: 3 },
};

test('the title is the first line of the prompt, shortened', () => {
  expect(titleOf('Greet people\n\nBe kind.')).toBe('Greet people');
  expect(titleOf('x'.repeat(100))).toBe(`${'x'.repeat(71)}…`);
});

test('the body has summary, gates, change, cost and task', () => {
  const body = bodyOf(work, {
    costMicroUsd: 1_250_000,
    passedGates: ['lint', 'test: 2 findings are old'],
    summary: undefined,
  });

  expect(body).toBe(
    [
      'It greets.',
      '',
      'Gates:',
      '- lint: passed',
      '- test: 2 findings are old',
      '',
      '| changed | cost | task |',
      '|---|---|---|',
      '| 2 files, +10 −3 | $1.25 | `task-1` |',
      '',
    ].join('\n'),
  );
});

test("an agent's words call nobody, close nothing and hide nothing", () => {
  const summary =
    'Fixes #12, closes acme/widgets#3, fixed https://github.com/a/b/issues/4. Thanks @ann! <!-- --> <img>';

  const body = bodyOf(
    { ...work, summary },
    { costMicroUsd: 0, passedGates: [], summary: undefined },
  );

  expect(body).toContain('No gate was set.');
  expect(body).not.toMatch(/#\d/);
  expect(body).not.toMatch(/fixed https:/);
  expect(body).not.toMatch(/@ann|<!--|<img/);
});
