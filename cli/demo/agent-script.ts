/** What the emulator answers the vendors' programs on their tour: the same edits as the scripted model's, by shell commands. */
import { parseScript } from '../emulator/script.ts';
import type { FormatName, Script } from '../emulator/script.ts';
import type { InstallableAgent } from '../../config/agent-programs.ts';
import type { DemoRepository } from './repositories.ts';
import { demoGate } from './request.ts';

/** How an agent speaks with its model. */
export interface AgentWire {
  readonly format: FormatName;
  readonly model: string;
  /** Path of the emulator's base URL. */
  readonly basePath: string;
  /** The agent's own tool for shell commands, called with one. */
  readonly shell: (command: string) => { readonly tool: string; readonly input: object };
}

/** The wires by agent. */
export const agentWires: Readonly<Record<InstallableAgent, AgentWire>> = {
  'claude-code': {
    format: 'anthropic',
    model: 'claude-sonnet-4-5',
    basePath: '/v1',
    shell: (command) => ({ tool: 'Bash', input: { command, description: 'Edit the file' } }),
  },
  codex: {
    format: 'openai-responses',
    model: 'gpt-5',
    basePath: '/v1',
    shell: (command) => ({ tool: 'exec_command', input: { cmd: command } }),
  },
  gemini: {
    format: 'gemini',
    model: 'gemini-2.5-flash',
    basePath: '/v1beta',
    shell: (command) => ({ tool: 'run_shell_command', input: { command } }),
  },
};

/** Time that a model would think. */
const firstTokenMs = 400;

/** The script of a tour: in repository `cookie` the first line is no comment of the language, and is repaired when the check says so. */
export function writeAgentScript(
  agent: InstallableAgent,
  repositories: readonly DemoRepository[],
): Script {
  const { format, shell } = agentWires[agent];
  const clumsy = repositories.find(({ name }) => name === 'cookie');
  const answers = [
    ...(clumsy === undefined
      ? []
      : [
          {
            when: { format, contains: `"${demoGate.name}"` },
            text: 'That was no comment.',
            toolCalls: [shell(`sed -i '1s|^#|//|' ${quote(clumsy.file)}`)],
          },
        ]),
    ...repositories.map((repository) => ({
      when: { format, turn: 1, contains: `repository "${repository.name}"` },
      text: `I add the line to ${repository.file}.`,
      toolCalls: [shell(addLine(repository))],
    })),
    { when: { format }, text: 'The licence line stands at the top of the file.' },
  ];
  return parseScript('demo', JSON.stringify({ answers, faults: [{ firstTokenMs }] }));
}

function addLine({ name, file, licence }: DemoRepository): string {
  const sign = name === 'cookie' ? '#' : '//';
  return `sed -i ${quote(`1i ${sign} SPDX-License-Identifier: ${licence}`)} ${quote(file)}`;
}

/** A word of a shell command. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
