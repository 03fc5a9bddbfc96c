import { traitsOf } from './failure-traits.ts';

test('a finding is the same one after an edit above it has moved it', () => {
  const before = [{ tool: 'tsc', file: 'a.ts', line: 3, code: 'TS2322', message: 'Not a string' }];
  const after = [{ tool: 'tsc', file: 'a.ts', line: 9, code: 'TS2322', message: 'Not a string' }];

  expect(traitsOf(before, 'one')).toEqual(traitsOf(after, 'other'));
});

test('findings in other files, of other codes or with other messages differ', () => {
  const found = { tool: 'tsc', file: 'a.ts', line: 3, code: 'TS2322', message: 'Not a string' };
  const others = [
    { ...found, file: 'b.ts' },
    { ...found, code: 'TS2345' },
    { ...found, message: 'Not a number' },
  ];

  for (const other of others) expect(traitsOf([other], '')).not.toEqual(traitsOf([found], ''));
});

test('without findings the lines of the output count, but not their numbers', () => {
  expect(traitsOf([], 'ran 3 tests\nfailed after 12 ms')).toEqual(
    traitsOf([], '\nfailed after 7 ms\nran 4 tests\n'),
  );
  expect(traitsOf([], 'no greeting')).not.toEqual(traitsOf([], 'no farewell'));
});

test('much output stays forty traits', () => {
  const lines = Array.from({ length: 1_000 }, (_, place) => 'x'.repeat(place));

  expect(traitsOf([], lines.join('\n'))).toHaveLength(40);
});
