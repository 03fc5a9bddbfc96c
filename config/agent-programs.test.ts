// Where the vendors' agents are found, without starting any of them.
//   - ado's own folder comes before PATH
//   - a program that npm put on PATH is known by its package, one that the vendor's installer put there by its file
//   - a package without the part for this kind of machine is no program
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findAgentProgram, findAgentsDir } from './agent-programs.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ado-test-agents-')));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text = ''): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

function putCodex(modules: string, version: string): string {
  const manifest = { version, bin: { codex: 'bin/codex.js' } };
  write(`${modules}/@openai/codex/package.json`, JSON.stringify(manifest));
  return write(`${modules}/@openai/codex/bin/codex.js`);
}

const machine = `${process.platform}-${process.arch}`;

test("ado's own folder comes before PATH", () => {
  const own = putCodex('agents/codex/node_modules', '1.0.0');
  const global = putCodex('lib/node_modules', '2.0.0');
  mkdirSync(join(root, 'bin'));
  symlinkSync(global, join(root, 'bin/codex'));
  const toolPath = join(root, 'bin');

  const both = findAgentProgram('codex', { agentsDir: join(root, 'agents'), toolPath });
  const onPath = findAgentProgram('codex', { agentsDir: join(root, 'none'), toolPath });

  expect(both).toMatchObject({ version: '1.0.0', argv: [process.execPath, own] });
  expect(both?.readable).toEqual([join(root, 'agents/codex'), process.execPath]);
  expect(onPath).toMatchObject({ version: '2.0.0', argv: [process.execPath, global] });
  expect(onPath?.readable).toEqual([join(root, 'lib/node_modules'), process.execPath]);
});

test("the vendor's own installation is one file, whose folder tells the version", () => {
  const file = write('share/claude/versions/2.1.99/claude');
  mkdirSync(join(root, 'bin'));
  symlinkSync(file, join(root, 'bin/claude'));

  const found = findAgentProgram('claude-code', { agentsDir: root, toolPath: join(root, 'bin') });

  expect(found).toEqual({ version: '2.1.99', argv: [file], readable: [file], place: file });
});

test('claude-code is found by its part for this machine, and not without it', () => {
  const modules = 'claude-code/node_modules/@anthropic-ai';
  write(`${modules}/claude-code/package.json`, JSON.stringify({ version: '2.1.330' }));
  const places = { agentsDir: root, toolPath: '' };

  const without = findAgentProgram('claude-code', places);
  const native = write(`${modules}/claude-code-${machine}/claude`);
  const found = findAgentProgram('claude-code', places);

  expect(without).toBeUndefined();
  expect(found).toMatchObject({ version: '2.1.330', argv: [native] });
});

test.each([
  [{ HOME: '/h' }, '/h/.cache/ado/agents'],
  [{ HOME: '/h', XDG_CACHE_HOME: '/x' }, '/x/ado/agents'],
  [{ HOME: '/h', XDG_CACHE_HOME: '/x', ADO_CACHE: '/c' }, '/c/agents'],
  [{ HOME: '/h', ADO_CACHE: '/c', ADO_AGENTS_DIR: '/a' }, '/a'],
])('the folder of agents for %j', (env, folder) => {
  expect(findAgentsDir(env)).toBe(folder);
});
