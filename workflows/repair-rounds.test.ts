// Rounds of repair: when the agent goes on, when it is told to try something else, and when it is over.
import type { Rejection, WorkDone } from '../contracts/activities.ts';
import { judgeRound, type Rounds, type RoundVerdict } from './repair-rounds.ts';

let serial = 0;

function aFailure(rejection: Partial<Rejection> = {}): Rejection {
  serial += 1;
  return {
    gate: 'test',
    message: `test ${String(serial)} is red`,
    fingerprint: `fingerprint ${String(serial)}`,
    traits: [`trait ${String(serial)}`],
    ...rejection,
  };
}

function judge(failures: readonly Rejection[]): RoundVerdict[] {
  let rounds: Rounds = { rounds: 0 };
  return failures.map((rejected) => {
    const { verdict, after } = judgeRound(rounds, rejected);
    rounds = after;
    return verdict;
  });
}

function kinds(failures: readonly Rejection[]): string[] {
  return judge(failures).map((verdict) => (verdict.kind === 'end' ? verdict.code : verdict.kind));
}

function times(count: number, make: (place: number) => Rejection): Rejection[] {
  return Array.from({ length: count }, (_, place) => make(place));
}

test('different failures go back ten times', () => {
  expect(kinds(times(10, () => aFailure()))).toEqual([
    ...Array.from({ length: 9 }, () => 'again'),
    'ROUNDS_EXCEEDED',
  ]);
});

test('the same failure three times asks for another approach, three more end it', () => {
  const same = { fingerprint: 'same', message: 'add is red' };

  const verdicts = judge(times(6, () => aFailure(same)));

  expect(verdicts[2]).toMatchObject({ kind: 'other-approach', failed: ['add is red'] });
  expect(verdicts.map(({ kind }) => kind)).toEqual([
    ...['again', 'again', 'other-approach', 'again', 'again', 'end'],
  ]);
  expect(verdicts[5]).toMatchObject({
    code: 'AGENT_STUCK',
    why: 'gate test failed the same way 3 times: add is red',
    missing: expect.stringMatching(/gate test still fails.* 6 rounds; another approach/),
  });
});

test('failures that share nine of ten traits are nearly the same', () => {
  const traits = Array.from({ length: 18 }, (_, place) => `trait ${String(place)}`);
  const alike = (place: number): Rejection =>
    aFailure({ traits: place === 1 ? [...traits, 'one more'] : traits });
  const half = (place: number): Rejection =>
    aFailure({ traits: place === 1 ? traits.slice(0, 9) : traits });

  expect(kinds(times(3, alike))).toEqual(['again', 'again', 'other-approach']);
  expect(kinds(times(3, half))).toEqual(['again', 'again', 'again']);
});

test('equal findings of two gates are not the same failure', () => {
  const gates = ['lint', 'test', 'lint'];
  const failures = gates.map((gate) => aFailure({ gate, traits: ['one'] }));

  expect(kinds(failures)).toEqual(['again', 'again', 'again']);
});

test('five rounds at one gate without fewer findings are stuck, fewer are progress', () => {
  const counted = (counts: readonly number[]) =>
    kinds(counts.map((findingCount) => aFailure({ findingCount }))).at(-1);

  expect(counted([4, 5, 4, 6, 4])).toBe('other-approach');
  expect(counted([4, 5, 4, 3, 4])).toBe('again');
  expect(counted([4, 5, 4, 6])).toBe('again');
});

test('a later gate with more findings is progress', () => {
  const gates = ['build', 'build', 'test', 'test', 'test'];
  const failures = gates.map((gate, place) => aFailure({ gate, findingCount: place + 1 }));

  expect(kinds(failures).at(-1)).toBe('again');
});

test('who is stuck in the tenth round is not told to go on', () => {
  const same = { fingerprint: 'same' };
  const failures = [...times(7, () => aFailure()), ...times(3, () => aFailure(same))];

  expect(kinds(failures).at(-1)).toBe('AGENT_STUCK');
});

test('what is carried over stays small', () => {
  let rounds: Rounds = { rounds: 0 };
  const traits = Array.from({ length: 40 }, (_, place) => `${String(place)}abcdef`);
  for (const failure of times(9, () => aFailure({ traits, gate: String(serial) }))) {
    rounds = judgeRound(rounds, failure).after;
  }

  expect(rounds.failures).toHaveLength(5);
  expect(JSON.stringify(rounds).length).toBeLessThan(4_096);
});

/** Judges new failures of a change of this size, each so many minutes of work after the task's begin. */
function kindsAt(
  minutes: readonly number[],
  change: { readonly files: number; readonly lines: number },
): string[] {
  let rounds: Rounds = { rounds: 0 };
  return minutes.map((at) => {
    const diffStat = { files: change.files, insertions: change.lines, deletions: 0 };
    const done: WorkDone = { workMs: at * 60_000, diffStat };
    const { verdict, after } = judgeRound(rounds, aFailure(), done);
    rounds = after;
    return verdict.kind === 'end' ? verdict.why : verdict.kind;
  });
}

test.each([
  { files: 1, lines: 50, minutes: 15 },
  { files: 3, lines: 51, minutes: 30 },
  { files: 4, lines: 1, minutes: 30 },
  { files: 11, lines: 1, minutes: 60 },
  { files: 1, lines: 301, minutes: 60 },
])('$lines lines in $files files are worth $minutes minutes', ({ minutes, ...change }) => {
  expect(kindsAt([40, 40 + minutes, 41 + minutes], change)).toEqual([
    ...['again', 'again', 'other-approach'],
  ]);
});

test('another approach gets the same time again, and then it is over', () => {
  const kinds = kindsAt([0, 16, 31, 32], { files: 1, lines: 1 });

  expect(kinds.slice(0, 3)).toEqual(['again', 'other-approach', 'again']);
  expect(kinds[3]).toMatch(/still fails after more than 15 minutes of repair: test \d+ is red/);
});

test('where the work done is not known no time is counted', () => {
  const before: Rounds = { rounds: 1, repairsSinceMs: 0 };

  expect(judgeRound(before, aFailure()).verdict.kind).toBe('again');
});
