// The script of an agents' tour: its commands do what the tour's check wants, whoever runs them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentWires } from '../emulator/agent-wires.ts';
import { writeAgentScript } from './agent-script.ts';
import type { DemoRepository } from './repositories.ts';
import { demoGate } from './request.ts';

const agents = ['claude-code', 'codex', 'gemini'] as const;
const folder = mkdtempSync(join(tmpdir(), 'ado-tour-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fine: DemoRepository = { name: 'vary', path: folder, licence: 'MIT', file: "it's fine.js" };
const clumsy: DemoRepository = { name: 'cookie', path: folder, licence: 'ISC', file: 'index.js' };

function passes({ file, licence }: DemoRepository): boolean {
  const env = { ...process.env, ADO_VAR_FILE: file, ADO_VAR_LICENCE: licence };
  return spawnSync('sh', ['-c', demoGate.command], { cwd: folder, env }).status === 0;
}

it.each(agents)('%s adds the line; the wrong one is repaired', (agent) => {
  const { shell } = agentWires[agent];
  const key = Object.keys(shell('').input)[0] ?? '';
  const commands = writeAgentScript(agent, [fine, clumsy]).answers.map(({ toolCalls }) => {
    const command = toolCalls[0]?.input[key];
    return typeof command === 'string' ? command : '';
  });
  const run = (at: number): void => {
    execFileSync('sh', ['-c', commands[at] ?? 'false'], { cwd: folder });
  };
  for (const { file } of [fine, clumsy]) writeFileSync(join(folder, file), "'use strict';\n");
  const [repair, first, second] = [0, 1, 2];

  expect(passes(fine)).toBe(false);
  run(first);
  expect(passes(fine)).toBe(true);
  run(second);
  expect(passes(clumsy)).toBe(false);
  run(repair);
  expect(passes(clumsy)).toBe(true);
});
