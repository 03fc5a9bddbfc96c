import { formatLock } from './lock.ts';
import { parseTargetFile } from './target-file.ts';

it('a lock read again gives the same targets, whatever stands in their variables', () => {
  const texts = [
    'plain',
    'with, comma',
    'with "quotes"',
    'two\nlines',
    '# not a comment',
    ' spaces ',
    '',
  ];
  const rows = texts.map((text, index) => ({
    repository: `/r/${index}, really`,
    baseRef: index % 2 === 0 ? 'main' : undefined,
    baseCommit: 'b'.repeat(40),
    prompt: index === 0 ? 'Own\nwords' : undefined,
    variables: { text },
    skip: index === 1 ? 'optout' : undefined,
  }));

  const read = parseTargetFile('lock.csv', formatLock(rows));

  expect(read.map(({ source: _, ...target }) => target)).toEqual(
    rows.map(({ repository, baseRef, baseCommit, prompt, variables, skip }) => ({
      ...{ repository, baseCommit, variables },
      ...(baseRef === undefined ? {} : { baseRef }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(skip === undefined ? {} : { skip }),
    })),
  );
});
