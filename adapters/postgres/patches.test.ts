// A patch that is kept is whole, or says that it is not.
import { isCut, toKeptPatch } from './patches.ts';

test('a patch above the bound ends after a whole line, and is known to be cut', () => {
  const line = `+${'x'.repeat(99)}\n`;

  const { content } = toKeptPatch(line.repeat(60_000));

  expect(content.length).toBeLessThan(5_000_200);
  expect(content.split('\n').slice(0, -2)).toEqual(Array(49_504).fill(line.trimEnd()));
  expect(isCut(content)).toBe(true);
});

test.each(['', '+x\n', '+x\n+# cut by ado: no\n', '# cut by ado: first\n+x\n'])(
  '%j is kept as it is, and whole',
  (patch) => {
    const { content } = toKeptPatch(patch);

    expect(content).toBe(patch);
    expect(isCut(content)).toBe(false);
  },
);
