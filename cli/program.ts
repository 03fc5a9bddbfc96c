/** The whole command line as commander knows it. What a command does is loaded when it is called. */
import { Command, Option, valueOf, withExamples } from './definitions/define.ts';
import type { Perform } from './definitions/define.ts';
import { defineAgentCommands } from './definitions/agent-commands.ts';
import { defineApprovalCommands } from './definitions/approval-commands.ts';
import { defineBatchCommands } from './definitions/batch-commands.ts';
import { definePrices, defineUsage } from './definitions/money-commands.ts';
import { defineFleetCommands } from './definitions/fleet-commands.ts';
import { definePlatformCommands } from './definitions/platform-commands.ts';
import { defineProviderCommands } from './definitions/provider-commands.ts';
import {
  defineCompletion,
  defineConfigCommands,
  defineContextCommands,
} from './definitions/settings-commands.ts';
import { defineTaskCommands } from './definitions/task-commands.ts';
import { definePlan, defineRun } from './definitions/work-commands.ts';
import { oneOf } from './values.ts';

const colorWords = ['auto', 'always', 'never'] as const;

/** Defines every command. `prepare` sets what all of them inherit. */
export function createProgram(
  perform: Perform,
  prepare: (program: Command) => void = () => undefined,
): Command {
  const program = createBare(prepare);
  defineAll(program, perform);
  defineCompletion(program, perform, () => {
    const fresh = createBare(prepare);
    defineAll(fresh, perform);
    return fresh;
  });
  return program;
}

function createBare(prepare: (program: Command) => void): Command {
  const program = new Command('ado')
    .description(
      'Runs coding agents over one or many repositories: durable, within limits and budgets.',
    )
    .option('--context <name>', 'server to speak to (default: the current context)')
    .option('--config <path>', 'project configuration (default: ./ado.config.yaml)')
    .option('--no-input', 'never read from the keyboard')
    .option('-q, --quiet', 'only data and errors')
    .option('-v, --verbose', 'more on stderr: request ids, keys of submissions')
    .addOption(
      new Option('--color <when>', 'colours: auto, always, never; NO_COLOR switches them off')
        .default('auto')
        .argParser(valueOf(oneOf(colorWords))),
    )
    .option('-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false });
  withExamples(
    program as unknown as Command,
    'ado run "Fix the failing test" --model scripted:fix.json',
    'ado run "Use the new logger" --repos repos.txt --parallel 20',
    'ado ps',
  );
  const bare = program as unknown as Command;
  prepare(bare);
  return bare;
}

function defineAll(program: Command, perform: Perform): void {
  defineRun(program, perform);
  definePlan(program, perform);
  defineTaskCommands(program, perform);
  defineApprovalCommands(program, perform);
  defineBatchCommands(program, perform);
  defineUsage(program, perform);
  definePrices(program, perform);
  defineProviderCommands(program, perform);
  defineAgentCommands(program, perform);
  defineFleetCommands(program, perform);
  definePlatformCommands(program, perform);
  defineContextCommands(program, perform);
  defineConfigCommands(program, perform);
}
