/** What the emulator answers the vendors' programs on their tour: the same edits as the scripted model's, by shell commands. */
import { parseScript } from '../emulator/script.ts';
import { agentWires } from '../emulator/agent-wires.ts';
import type { Script } from '../emulator/script.ts';
import type { InstallableAgent } from '../../config/agent-programs.ts';
import type { DemoRepository } from './repositories.ts';
import { demoGate } from './request.ts';

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
