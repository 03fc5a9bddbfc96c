import { createTerminal, tame, toLine } from './terminal.ts';
import type { OutputStream, TerminalOptions } from './terminal.ts';

function aStream(isTTY: boolean): OutputStream & { text: string } {
  const stream = { isTTY, text: '', write: (text: string) => (stream.text += text) };
  return stream;
}

function aTerminal(options: Partial<TerminalOptions> = {}) {
  const stdout = aStream(options.stdout?.isTTY ?? false);
  const stderr = aStream(false);
  const defaults = { color: 'auto', noColor: false, quiet: false, verbose: false } as const;
  return { stdout, stderr, terminal: createTerminal({ ...defaults, ...options, stdout, stderr }) };
}

it('what could steer the terminal is taken out; line breaks and tabs stay', () => {
  const text = 'a\u001b[2J\u001b]0;title\u0007b\u001b]8;;http://x\u001b\\c\rd\u0000\n\te\u009b31m';

  expect(tame(text)).toBe('abcd\n\te31m');
});

it('colours stay when they are wanted, other sequences do not', () => {
  expect(tame('\u001b[31mred\u001b[0m\u001b[1A\u001b', { keepColors: true })).toBe(
    '\u001b[31mred\u001b[0m',
  );
});

it('a text becomes one line of at most the width', () => {
  expect(toLine('one\ntwo   three', 100)).toBe('one two three');
  expect(toLine('abcdef', 4)).toBe('abc…');
  expect(toLine('äöüß', 4)).toBe('äöüß');
});

it.each([
  ['on a terminal', true, 'auto', false, true],
  ['in a pipe', false, 'auto', false, false],
  ['with NO_COLOR', true, 'auto', true, false],
  ['with NO_COLOR and --color always', true, 'always', true, true],
  ['with --color never', true, 'never', false, false],
] as const)('colours %s', (_, isTTY, color, noColor, expected) => {
  const { terminal } = aTerminal({ stdout: aStream(isTTY), color, noColor });

  expect(terminal.paint.red('x') !== 'x').toBe(expected);
});

it('--quiet silences notes, not errors; details come with --verbose only', () => {
  const quiet = aTerminal({ quiet: true });
  quiet.terminal.note('note');
  quiet.terminal.detail('detail');
  quiet.terminal.alarm('alarm');
  const verbose = aTerminal({ verbose: true });
  verbose.terminal.detail('detail');

  expect(quiet.stderr.text).toBe('alarm\n');
  expect(verbose.stderr.text).toBe('detail\n');
  expect(quiet.stdout.text).toBe('');
});
