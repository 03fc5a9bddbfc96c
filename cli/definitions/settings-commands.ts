/** The definitions of `context`, `config` and `completion`. */
import { outputOption, valueOf, withExamples } from './define.ts';
import { Command } from './define.ts';
import type { Perform } from './define.ts';
import { AppError } from '../../contracts/errors.ts';
import { oneOf } from '../values.ts';

/** Defines `ado context`. */
export function defineContextCommands(program: Command, perform: Perform): void {
  const context = program
    .command('context')
    .summary('choose which server to speak to')
    .description('Servers by name. `local` is built in: the platform of this machine.');
  withExamples(
    context,
    'ado context add staging --url https://ado.example.com --key-env ADO_STAGING_KEY',
    'ado context use staging',
  );
  withExamples(
    context
      .command('list')
      .summary('list contexts')
      .description('Lists the contexts; * marks the current one.')
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/context.ts')).listContexts(cli, options)),
      ),
    'ado context list',
  );
  withExamples(
    context
      .command('current')
      .summary('print the current context')
      .description('Prints the name of the context in use.')
      .action(() =>
        perform(async (cli) => (await import('../commands/context.ts')).printContext(cli)),
      ),
    'ado context current',
  );
  withExamples(
    context
      .command('use')
      .summary('make a context the current one')
      .description(
        'Makes a context the one that is used when neither --context nor ADO_CONTEXT names one.',
      )
      .argument('<name>', 'name of the context')
      .action((name) =>
        perform(async (cli) => (await import('../commands/context.ts')).useContext(cli, name)),
      ),
    'ado context use local',
  );
  withExamples(
    context
      .command('add')
      .summary('add or change a context')
      .description(
        'Adds a context, or gives a known one another address and key. One on Kubernetes is reached through a port that ' +
          '`kubectl` forwards while a command runs.',
      )
      .argument('<name>', 'name of the context')
      .option('--url <url>', 'address of the server')
      .option('--namespace <name>', 'in place of --url: namespace of a release on Kubernetes')
      .option('--service <name>', "service of the release's API (default: ado-api)")
      .option('--release <name>', 'name of the release, for `ado pools scale` (default: ado)')
      .option('--chart <path>', "chart of the release, for `ado pools scale` (default: this ado's)")
      .option('--kubeconfig <path>', "kubeconfig (default: kubectl's own)")
      .option('--kube-context <name>', 'context of the kubeconfig (default: its current one)')
      .option('--key-secret <name/key>', 'secret of the namespace that holds the API key')
      .option(
        '--key <key>',
        'API key; - reads it from stdin, which keeps it out of the shell history',
      )
      .option('--key-env <variable>', 'environment variable that holds the API key')
      .action((name, options) =>
        perform(async (cli) =>
          (await import('../commands/context.ts')).addContext(cli, { ...options, name }),
        ),
      ),
    'ado context add staging --url https://ado.example.com --key - < key.txt',
    'ado context add kubernetes --namespace ado-system --key-secret ado-secrets/ADO_BOOTSTRAP_API_KEY',
  );
  withExamples(
    context
      .command('remove')
      .summary('remove a context')
      .description('Removes a context from the configuration.')
      .argument('<name>', 'name of the context')
      .action((name) =>
        perform(async (cli) => (await import('../commands/context.ts')).removeContext(cli, name)),
      ),
    'ado context remove staging',
  );
}

/** Defines `ado config`. */
export function defineConfigCommands(program: Command, perform: Perform): void {
  const config = program
    .command('config')
    .summary('read and change settings')
    .description(
      "Settings: a flag wins over the environment, that over the user's file, that over the project's.",
    );
  withExamples(
    config,
    'ado config view --resolved',
    'ado config set parallel 20',
    'ado config get key',
  );
  withExamples(
    config
      .command('get')
      .summary('print a setting')
      .description(
        'Prints the value of a key. `key` is the API key of the context, `url` its address.',
      )
      .argument('<name>', 'name of the setting')
      .action((name) =>
        perform(async (cli) => (await import('../commands/config.ts')).getSetting(cli, name)),
      ),
    'ado config get key',
    'ado config get parallel',
  );
  withExamples(
    config
      .command('set')
      .summary('change a setting of the user')
      .description("Writes a setting to the user's file.")
      .argument('<name>', 'name of the setting')
      .argument('<value>', 'its value')
      .action((name, value) =>
        perform(async (cli) =>
          (await import('../commands/config.ts')).setSetting(cli, name, value),
        ),
      ),
    'ado config set context staging',
    'ado config set maxCost 2.50',
  );
  withExamples(
    config
      .command('view')
      .summary('show the settings in force')
      .description('Shows the settings in force; keys are shown without their secret part.')
      .option('--resolved', 'say where each value comes from')
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/config.ts')).viewSettings(cli, options)),
      ),
    'ado config view --resolved',
  );
  withExamples(
    config
      .command('path')
      .summary('print where the configuration files are')
      .description("Prints the paths of the user's and the project's file.")
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/config.ts')).printPaths(cli, options)),
      ),
    'ado config path',
  );
}

const shellWords = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** Defines `ado completion`, and the hidden `ado complete` that its scripts call. */
export function defineCompletion(
  program: Command,
  perform: Perform,
  createProgram: () => Command,
): void {
  withExamples(
    program
      .command('completion')
      .summary('print the script that makes your shell complete ado')
      .description(
        'Prints a script for your shell; with it, Tab completes commands, flags, ids and contexts.',
      )
      .argument('<shell>', `your shell: ${shellWords.join(', ')}`, valueOf(oneOf(shellWords)))
      .action((shell) =>
        perform(async () =>
          (await import('../commands/completion.ts')).printCompletionScript(shell),
        ),
      ),
    'source <(ado completion bash)',
    'ado completion fish > ~/.config/fish/completions/ado.fish',
  );
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action((words) =>
      perform(async (cli) => {
        if (words.length === 0)
          throw new AppError('USAGE', 'This is what the completion scripts call.');
        return (await import('../commands/completion.ts')).complete(cli, createProgram(), words);
      }),
    );
}
