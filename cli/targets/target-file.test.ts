import type { AppError } from '../../contracts/errors.ts';
import { parseTargetFile } from './target-file.ts';

function problemsIn(name: string, text: string): string[] {
  try {
    parseTargetFile(name, text);
    return [];
  } catch (error) {
    return (error as AppError).problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

it('a list has a target a line; comments and blank lines are none, a # inside a name is no comment', () => {
  const text = '\uFEFF# all\r\n/r/a\r\n\r\n  /r/b   # the second\r\nhttps://h/c#1\r\n';

  expect(parseTargetFile('repos.txt', text)).toEqual([
    { repository: '/r/a', source: 'repos.txt:2' },
    { repository: '/r/b', source: 'repos.txt:4' },
    { repository: 'https://h/c#1', source: 'repos.txt:5' },
  ]);
});

it('of a CSV the first known column is the target, columns with a meaning are taken, the rest are variables', () => {
  const text =
    'team, path ,baseSha,baseRef,prompt,size\nweb,/r/a,,main,"Say ""hi"",\nthen go",3\n# not this\nops,/r/b,' +
    'a'.repeat(40) +
    ',,,\n';

  expect(parseTargetFile('repos.csv', text)).toEqual([
    {
      repository: '/r/a',
      source: 'repos.csv:3',
      baseRef: 'main',
      prompt: 'Say "hi",\nthen go',
      variables: { team: 'web', size: '3' },
    },
    {
      repository: '/r/b',
      source: 'repos.csv:5',
      baseCommit: 'a'.repeat(40),
      variables: { team: 'ops', size: '' },
    },
  ]);
});

it('a lock keeps who opted out; what was skipped for another reason is decided anew', () => {
  const text =
    'repository,baseSha,skipped,reason\n/r/a,,true,optout\n/r/b,,true,cached\n/r/c,,false,\n';

  expect(parseTargetFile('lock.csv', text).map((target) => target.skip)).toEqual([
    'optout',
    undefined,
    undefined,
  ]);
});

it('JSON lines name the target and its variables, nested or not', () => {
  const text =
    '{"repo":"/r/a","library":"x","count":3}\n\n{"url":"https://h/b","variables":{"library":"y"},"baseRef":"main"}\n';

  expect(parseTargetFile('repos.jsonl', text)).toEqual([
    { repository: '/r/a', source: 'repos.jsonl:1', variables: { library: 'x', count: '3' } },
    {
      repository: 'https://h/b',
      source: 'repos.jsonl:3',
      baseRef: 'main',
      variables: { library: 'y' },
    },
  ]);
});

it.each([
  [
    'a CSV without a target column',
    'a.csv',
    'name,team\nx,y\n',
    'a.csv:1: no column names the target',
  ],
  [
    'a column that cannot be a variable',
    'a.csv',
    'repo,my team\n/r,x\n',
    'a.csv:1: column "my team" is no variable name',
  ],
  ['a CSV whose quotes do not close', 'a.csv', 'repo,x\n/r/a,1\n"/r/b,2\n', 'a.csv:'],
  ['a line that is no JSON', 'a.jsonl', '{"repo":"/r"}\nnope\n', 'a.jsonl:2: not JSON'],
  ['a JSON line without a target', 'a.jsonl', '{"name":"x"}\n', 'a.jsonl:1: none of the keys'],
  ['a value that is no text', 'a.jsonl', '{"repo":"/r","x":[1]}\n', 'a.jsonl:1: values are'],
])('%s is refused with its place', (_, name, text, expected) => {
  expect(problemsIn(name, text)[0]).toContain(expected);
});
