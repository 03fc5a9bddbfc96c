import { createPaint } from '../terminal.ts';
import { formatDiffStat } from './diff-stat.ts';
import { paintPatch } from './paint-patch.ts';
import { readPatch } from './read-patch.ts';

const plain = createPaint(false);
const colored = createPaint(true);

const patch = [
  'diff --git a/x b/x',
  'index 1..2 100644',
  '--- a/x',
  '+++ b/x',
  '@@ -1,3 +1,2 @@ function f()',
  ' context \u202egnitsurt\u001b[2J',
  '--- looks like a header',
  '-old\u0007',
  '+new\r',
  '\\ No newline at end of file',
  '',
].join('\n');

it('paints by what lines are, not by how they look', () => {
  const lines = Array.from(paintPatch(patch, colored));

  expect(lines[2]).toBe(`${colored.bold('--- a/x')}\n`);
  expect(lines[4]).toBe(`${colored.cyan('@@ -1,3 +1,2 @@')} function f()\n`);
  expect(lines[6]).toBe(`${colored.red('--- looks like a header')}\n`);
  expect(lines[8]).toBe(`${colored.green('+new^M')}\n`);
});

it('shows what would steer a terminal or hide from a reader, and lets none of it through', () => {
  const painted = Array.from(paintPatch(patch, plain)).join('');

  expect(painted).toContain(' context <U+202E>gnitsurt^[[2J\n');
  expect(painted).toContain('-old^G\n');
  expect(painted).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

describe('--stat', () => {
  const files = readPatch(
    ['short', `${'deep/'.repeat(30)}end.ts`, 'a\u001b[31mb']
      .map((name, index) =>
        [
          `diff --git a/${name} b/${name}`,
          `--- a/${name}`,
          `+++ b/${name}`,
          `@@ -0,0 +1,${String((index + 1) * 100)} @@`,
          ...Array.from({ length: (index + 1) * 100 }, () => '+x'),
          '',
        ].join('\n'),
      )
      .join(''),
  );

  it.each([40, 80, 200])('keeps within %i columns, names by their end', (width) => {
    const lines = formatDiffStat(files, { paint: plain, width }).split('\n');

    expect(Math.max(...lines.slice(0, -1).map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/deep\/end\.ts +\| 200 \++$/);
    expect(lines[2]).toMatch(/"a\\033\[31mb" +\| 300 \++$/);
    expect(lines.at(-1)).toBe(' 3 files changed, 600 insertions(+)');
  });

  it('has bars in proportion; what changed at all has a sign', () => {
    const text = formatDiffStat(files, { paint: plain, width: 80 });

    const [first = 0, , third = 0] = text.split('\n').map((line) => line.split('+').length - 1);
    expect(third / first).toBeGreaterThan(2.5);
    expect(first).toBeGreaterThan(0);
  });
});
