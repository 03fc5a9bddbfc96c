/** One task for every agent: a function and its test, asked for in a repository whose tests run with Node.js alone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentWires, type AgentWire } from '../../cli/emulator/agent-wires.ts';
import {
  agentPackages,
  findAgentProgram,
  findAgentsDir,
  installableAgents,
} from '../../config/agent-programs.ts';
import { commitAll, makeRepository } from '../support/repositories.ts';
import { vendors } from '../faults/emulated-provider.ts';

/** An agent, the account that it asks by, and its own tool for shell commands. */
export interface Given extends Pick<AgentWire, 'format' | 'shell'> {
  readonly agent: 'builtin' | 'claude-code' | 'codex' | 'gemini';
  readonly provider: keyof typeof vendors;
  /** Its account, default: named like its provider. */
  readonly account?: string;
}

const builtin: Given = {
  agent: 'builtin',
  provider: 'anthropic',
  account: 'builtin',
  format: 'anthropic',
  shell: (command) => ({ tool: 'run_command', input: { command } }),
};

/** The agents that are programs of others. */
export const programs: readonly Given[] = installableAgents.map((agent) => ({
  ...{ agent, provider: agentPackages[agent].provider },
  ...{ format: agentWires[agent].format, shell: agentWires[agent].shell },
}));

/** The agents of these tests. */
export const given = [builtin, ...programs];

/** `<account>:<model>` of an agent. */
export function modelOf({ provider, account = provider }: Given): string {
  return `${account}:${vendors[provider].model}`;
}

/** Whether an agent's program is here; which are missing is said out loud, once. */
export function hasAgent(agent: Given['agent']): boolean {
  const places = { agentsDir: findAgentsDir(process.env), toolPath: '' };
  const found = agent === 'builtin' || findAgentProgram(agent, places) !== undefined;
  if (!found) process.stderr.write(`skipped for ${agent}: not installed (npm run test:agents)\n`);
  return found;
}

/** What is asked for. */
const prompt = 'Add a function `add(a, b)` to src/add.js, and its test. The test must pass.';

/** The shell command that does it. */
export const rightWork = [
  "printf 'export const add = (a, b) => a + b;\\n' > src/add.js",
  `printf '%s\\n' "import assert from 'node:assert';" "import { test } from 'node:test';" "import { add } from '../src/add.js';" "test('adds', () => assert.equal(add(1, 2), 3));" > test/add.test.js`,
].join(' && ');

/** The gate that says so. */
const gate = { name: 'test', command: 'node --test' };

/** A repository with a package, and no function. */
export function makeEmptyPackage(): string {
  const repository = makeRepository();
  for (const folder of ['src', 'test']) mkdirSync(join(repository, folder), { recursive: true });
  writeFileSync(join(repository, 'package.json'), '{ "name": "sums", "type": "module" }\n');
  writeFileSync(join(repository, 'test', 'README.md'), 'Tests.\n');
  commitAll(repository, 'package');
  return repository;
}

/** What is submitted to have an agent do it in a repository. */
export function taskOf(one: Given, repository: string) {
  return { prompt, agent: one.agent, model: modelOf(one), gates: [gate], repository };
}
