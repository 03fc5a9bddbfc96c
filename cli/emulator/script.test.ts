import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppError } from '../../contracts/errors.ts';
import { emptyScript, loadScript, parseScript } from './script.ts';

function problemsIn(text: string): string[] {
  try {
    parseScript('emulator.yaml', text);
    return [];
  } catch (error) {
    return (error as AppError).problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

it('an empty script has no limits, no faults, and invents its answers', () => {
  expect(parseScript('emulator.yaml', '')).toEqual(emptyScript);
});

it.each([
  [
    'a mistyped key',
    'limits:\n  request: { perMinute: 5 }\n',
    'emulator.yaml:2: unknown key "limits.request"; did you mean "requests"?',
  ],
  [
    'a rate without its speed',
    'limits:\n  requests: { burst: 5 }\n',
    'emulator.yaml:2: limits.requests.perMinute: Invalid input',
  ],
  [
    'a limit of nothing',
    'limits:\n  concurrency: 0\n',
    'emulator.yaml:2: limits.concurrency: Too small',
  ],
  [
    'an answer that says nothing',
    'answers:\n  - text: Yes.\n  - reasoning: Hm.\n',
    'emulator.yaml:3: answers.1: an answer needs `text`',
  ],
  [
    'more reasoning than output',
    'answers:\n  - text: Yes.\n    usage: { outputTokens: 1, reasoningTokens: 2 }\n',
    'emulator.yaml:2: answers.0: outputTokens include',
  ],
  [
    'a fault without an effect',
    'faults:\n  - when: { turn: 1 }\n',
    'emulator.yaml:2: faults.0: a fault needs one of',
  ],
  [
    'an error that is none',
    'faults:\n  - error: { status: 200 }\n',
    'emulator.yaml:2: faults.0.error.status: Too small',
  ],
  [
    'a wire that is none',
    'faults:\n  - when: { format: openai }\n    cutAtEvent: 1\n',
    'emulator.yaml:2: faults.0.when.format: Invalid option',
  ],
  ['a line that is no YAML', 'answers: [\n', 'emulator.yaml:2: '],
])('%s is refused with line and key', (_, text, expected) => {
  expect(problemsIn(text).join('\n')).toContain(expected);
});

it('the script in the document is one', async () => {
  const document = await readFile(new URL('../../docs/emulator.md', import.meta.url), 'utf8');
  const text = /```yaml\n([^]*?)```/.exec(document)?.[1] ?? '';

  expect(parseScript('docs/emulator.md', text)).toMatchObject({
    answers: { length: 3 },
    faults: { length: 3 },
  });
});

it('variables of the environment are filled in', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'ado-emulator-')), 'script.yaml');
  await writeFile(path, 'accounts:\n  "a": { concurrency: 1 }\nanswers:\n  - text: ${WORD}\n');

  const script = await loadScript(path, { WORD: 'Yes.' });

  expect(script.answers[0]?.text).toBe('Yes.');
});

it('a file that is not there is named', async () => {
  await expect(loadScript('/no/such/file.yaml', {})).rejects.toMatchObject({
    code: 'FILE_INVALID',
    message: '/no/such/file.yaml cannot be read.',
  });
});
