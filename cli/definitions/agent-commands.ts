/** The definitions of `agents` and what belongs to it. */
import { installableWords } from './words.ts';
import { outputOption, valueOf, valuesOf, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';
import { oneOf } from '../values.ts';

/** Defines `ado agents`, `agents list`, `agents install` and `agents test`. */
export function defineAgentCommands(program: Command, perform: Perform): void {
  const agents = program
    .command('agents')
    .summary('list the coding agents of this machine')
    .description(
      'Lists the agents that can work on this machine: version, place, whose models they use, and which accounts of ' +
        'providers.yaml fit. docs/agents.md tells of each.',
    )
    .addOption(outputOption());
  const list = (): Promise<void> =>
    perform(async (cli) => (await import('../commands/agents.ts')).listAgents(cli, agents.opts()));
  agents.action(list);
  withExamples(agents, 'ado agents', 'ado agents -o json', 'ado agents install claude-code');
  withExamples(
    agents
      .command('list')
      .summary('list the coding agents of this machine')
      .description('The same as `ado agents`.')
      // -o belongs to `agents`, which reads it wherever it stands.
      .action(list),
    'ado agents list',
  );
  withExamples(
    agents
      .command('install')
      .summary('install the program of an agent')
      .description(
        "Installs the vendor's program from npm into ado's own folder, at the version that ado is tested with. No script of a " +
          'package is run.',
      )
      .argument('<agent...>', installableWords.join(', '), valuesOf(oneOf(installableWords)))
      .action((names) =>
        perform(async (cli) => (await import('../commands/agents.ts')).installAgents(cli, names)),
      ),
    'ado agents install claude-code',
    'ado agents install codex gemini',
  );
  withExamples(
    agents
      .command('test')
      .summary('let an agent take one turn')
      .description(
        'Lets the program take one real turn in the sandbox, on a repository made for it, and says what works. The built-in ' +
          'emulator plays its model: no key, no network, no cost. Exit code 1 when a part fails.',
      )
      .argument('<agent>', installableWords.join(', '), valueOf(oneOf(installableWords)))
      // -o belongs to `agents`, which reads it wherever it stands.
      .action((agent) =>
        perform(async (cli) =>
          (await import('../commands/test-agent.ts')).testAgent(cli, { ...agents.opts(), agent }),
        ),
      ),
    'ado agents test claude-code',
    'ado agents test codex -o json',
  );
}
