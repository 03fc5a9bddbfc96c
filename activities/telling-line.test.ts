import { lastLine, tellingLine } from './telling-line.ts';

test('the line that speaks of an error tells more than the last one', () => {
  const text =
    '# SPDX\n^\nSyntaxError: Invalid or unexpected token\n    at wrap\nNode.js v24.21.0\n';

  expect(tellingLine(text)).toBe('SyntaxError: Invalid or unexpected token');
  expect(tellingLine('one\ntwo\n')).toBe('two');
  expect(lastLine('  \n')).toBe('no output');
});
