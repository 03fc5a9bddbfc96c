/** How the vendors' programs speak with the emulator: for whoever scripts what it answers them. */
import type { InstallableAgent } from '../../config/agent-programs.ts';
import type { FormatName } from './script.ts';

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
