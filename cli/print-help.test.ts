import { readFileSync } from 'node:fs';
import { printCliDocument } from './print-help.ts';

it('docs/cli.md says what the commands are; `npm run docs` prints it anew', () => {
  const path = new URL('../docs/cli.md', import.meta.url);

  expect(readFileSync(path, 'utf8')).toBe(printCliDocument());
});

it('every command has a description and an example', () => {
  const sections = printCliDocument().split('\n### `').slice(1, -2);

  const bare = sections.filter((section) => !section.includes('```sh'));

  expect(bare).toEqual([]);
});
