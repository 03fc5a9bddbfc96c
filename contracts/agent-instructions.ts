/** What agents that are programs of others are told for good, beside the prompt: workers write it into their home. */

/** The instructions for a task whose work must pass these checks. */
export function agentInstructions(gates: readonly { readonly command: string }[]): string {
  const checks =
    gates.length === 0
      ? ''
      : `- Afterwards these checks run in the work tree, and must pass:\n${gates
          .map(({ command }) => `  - \`${command.replaceAll(/\s+/g, ' ').trim()}\`\n`)
          .join('')}`;
  return `# How you work here

- You work alone: nobody can be asked. Change as little as the task needs, and stop when it is done.
- Change files in the current directory only. Do not commit, and make no branches: your changes are committed for you.
- There is no network, unless you were told of hosts that can be reached.
${checks}- Your last message says in one or two sentences what you did.
`;
}
