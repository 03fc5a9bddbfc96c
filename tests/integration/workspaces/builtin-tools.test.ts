import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAgentTools } from '../../../adapters/agents/builtin-tools.ts';
import type { Workspace } from '../../../adapters/ports.ts';
import { createWorld, endWorlds, type World } from './world.ts';

afterAll(endWorlds);

const tools = createAgentTools();

interface Hands {
  readonly world: World;
  readonly workspace: Workspace;
  readonly use: (toolName: string, input: unknown) => Promise<{ text: string; isError: boolean }>;
  readonly read: (name: string) => string;
  readonly write: (name: string, text: string | Buffer) => void;
}

async function createHands(): Promise<Hands> {
  const world = createWorld();
  const workspace = await world.prepare('task');
  return {
    world,
    workspace,
    use: (toolName, input) =>
      tools.execute(
        { toolName, input },
        {
          run: (run) =>
            world.workspaces.run(workspace, { timeoutMs: 30_000, ...run, sandbox: 'bubblewrap' }),
        },
      ),
    read: (name) => readFileSync(join(workspace.path, name), 'utf8'),
    write: (name, text) => {
      writeFileSync(join(workspace.path, name), text);
    },
  };
}

test('every tool tells the model what it takes', () => {
  expect(tools.definitions.map(({ name }) => name)).toEqual([
    'list_files',
    'read_file',
    'search',
    'edit_file',
    'write_file',
    'run_command',
  ]);
  for (const { inputSchema } of tools.definitions) {
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
  }
});

test('list_files shows what git would take: new files too, ignored and deleted ones not', async () => {
  const { use, write, world, workspace } = await createHands();
  write('.gitignore', 'out\n');
  write('out', 'x');
  write('new ü', 'x');
  await world.sh(workspace, 'rm src/index.js');

  expect(await use('list_files', {})).toEqual({
    text: '.gitignore\nREADME.md\nnew ü',
    isError: false,
  });
  expect((await use('list_files', { path: 'src' })).text).toBe('no files');
  expect(await use('list_files', { path: 'nope' })).toMatchObject({ isError: true });
});

test('list_files works where .git was taken away', async () => {
  const { use, world, workspace } = await createHands();
  await world.sh(workspace, 'rm .git');

  expect((await use('list_files', {})).text).toBe('./README.md\n./src/index.js');
});

test('read_file shows numbered lines, and how to go on', async () => {
  const { use, write } = await createHands();
  write('long', Array.from({ length: 1_200 }, (_, line) => `line ${line + 1}\n`).join(''));

  const first = await use('read_file', { path: 'long', limit: 2 });
  const last = await use('read_file', { path: 'long', offset: 1_199 });

  expect(first.text).toBe('1\tline 1\n2\tline 2\n… 1200 lines in all; go on with offset 3.');
  expect(last.text).toBe('1199\tline 1199\n1200\tline 1200');
  expect(await use('read_file', { path: 'long', offset: 5_000 })).toEqual({
    text: 'The file has 1200 lines.',
    isError: true,
  });
});

test('read_file bounds long lines and long files', async () => {
  const { use, write } = await createHands();
  write('wide', `${'x'.repeat(1_000_000)}\n`.repeat(100));

  const { text } = await use('read_file', { path: 'wide', limit: 5_000 });

  expect(Buffer.byteLength(text)).toBeLessThan(34_000);
  expect(text).toMatch(/… 100 lines in all; go on with offset 33\.$/);
});

test('read_file says what a path is that it cannot show', async () => {
  const { use, write, world, workspace } = await createHands();
  write('binary', Buffer.from([1, 0, 2]));
  write('empty', '');
  await world.sh(workspace, 'mkfifo pipe; ln -s "$SECRET" link', {
    env: { SECRET: join(world.homeDir, 'secret') },
  });

  const answers = await Promise.all(
    ['binary', 'empty', 'src', 'pipe', 'link', 'nope', '-x'].map((path) =>
      use('read_file', { path }),
    ),
  );

  expect(answers.map(({ text }) => text)).toEqual([
    './binary is a binary file',
    '(the file is empty)',
    './src is a folder; use list_files',
    './pipe is not a regular file',
    './link does not exist',
    './nope does not exist',
    './-x does not exist',
  ]);
});

test('search finds lines by expression, and nothing is no error', async () => {
  const { use, write } = await createHands();
  write('a=b', 'Alpha beta\n');

  expect((await use('search', { pattern: 'al(ph|f)a', ignoreCase: true })).text).toBe(
    'a=b:1:Alpha beta',
  );
  expect(await use('search', { pattern: 'absent' })).toEqual({ text: 'no match', isError: false });
  expect(await use('search', { pattern: '(' })).toMatchObject({ isError: true });
  expect((await use('search', { pattern: '-x' })).text).toBe('no match');
});

test('search bounds what it answers', async () => {
  const { use, write } = await createHands();
  write('many', 'match\n'.repeat(100_000));

  const { text } = await use('search', { pattern: 'match' });

  expect(text.split('\n')).toHaveLength(501);
  expect(text).toMatch(/and more/);
});

test('edit_file replaces a text that is there once, to the byte', async () => {
  const { use, write, read, workspace } = await createHands();
  write('code', 'a\\n b\n\tc $x & "d"\r\nlast, without a line end');
  const before = statSync(join(workspace.path, 'code')).mode;

  const answer = await use('edit_file', {
    path: 'code',
    old: '\tc $x & "d"\r\nlast',
    new: "\\1 & \\n 'new'\nLAST",
  });

  expect(answer).toEqual({ text: 'Replaced once in code.', isError: false });
  expect(read('code')).toBe("a\\n b\n\\1 & \\n 'new'\nLAST, without a line end");
  expect(statSync(join(workspace.path, 'code')).mode).toBe(before);
});

test('edit_file leaves the file alone when the text is not there, or not once', async () => {
  const { use, write, read } = await createHands();
  write('code', 'x\nx\n');

  expect(await use('edit_file', { path: 'code', old: 'y', new: 'z' })).toMatchObject({
    text: expect.stringMatching(/is not in code/),
    isError: true,
  });
  expect(await use('edit_file', { path: 'code', old: 'x', new: 'z' })).toMatchObject({
    text: expect.stringMatching(/2 times in code/),
    isError: true,
  });
  expect(read('code')).toBe('x\nx\n');

  await use('edit_file', { path: 'code', old: 'x\n', new: 'xx\n', replaceAll: true });
  expect(read('code')).toBe('xx\nxx\n');
});

test('edit_file keeps bytes that are no UTF-8', async () => {
  const { use, write, workspace } = await createHands();
  write('latin', Buffer.from('caf\xe9 old \x01 end\n', 'latin1'));

  await use('edit_file', { path: 'latin', old: 'old', new: 'néw' });

  expect(readFileSync(join(workspace.path, 'latin'))).toEqual(
    Buffer.concat([Buffer.from('caf\xe9 ', 'latin1'), Buffer.from('néw \x01 end\n')]),
  );
});

test('write_file makes folders and says what it did', async () => {
  const { use, read } = await createHands();

  expect((await use('write_file', { path: 'a/b/c.txt', content: 'ü\n' })).text).toBe(
    'Made a/b/c.txt (3 bytes).',
  );
  expect((await use('write_file', { path: 'a/b/c.txt', content: '' })).text).toBe(
    'Replaced a/b/c.txt (0 bytes).',
  );
  expect(read('a/b/c.txt')).toBe('');
  expect(await use('write_file', { path: 'a/b', content: 'x' })).toMatchObject({ isError: true });
});

test('no tool writes outside of the work tree', async () => {
  const { use, world, workspace } = await createHands();
  await world.sh(workspace, 'ln -s "$OUTSIDE" out', { env: { OUTSIDE: world.outside } });

  for (const path of ['out/x', join(world.outside, 'x'), '../../x', '/x']) {
    await use('write_file', { path, content: 'x' });
  }

  expect(existsSync(join(world.outside, 'x'))).toBe(false);
});

test('run_command answers exit code and the end of long output', async () => {
  const { use } = await createHands();

  expect(await use('run_command', { command: 'echo out; echo err >&2; exit 3' })).toEqual({
    text: 'Exit code 3.\nStandard output:\nout\n\nStandard error:\nerr\n',
    isError: true,
  });
  const { text } = await use('run_command', { command: 'seq 1000000' });
  expect(Buffer.byteLength(text)).toBeLessThan(33_000);
  expect(text.endsWith('1000000\n')).toBe(true);
  expect((await use('run_command', { command: 'sleep 60', timeoutSeconds: 1 })).text).toBe(
    'Stopped after 1 s.',
  );
});

test('bad input is an answer that says what is wrong', async () => {
  const { use } = await createHands();

  for (const [name, input] of [
    ['read_file', {}],
    ['read_file', 'not json'],
    ['read_file', { path: 'a\0b' }],
    ['edit_file', { path: 'x', old: '', new: 'y' }],
    ['run_command', { command: 'x', unknown: 1 }],
    ['no_such_tool', {}],
  ] as const) {
    const answer = await use(name, input);
    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(new RegExp(name));
  }
});
