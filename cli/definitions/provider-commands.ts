/** The definitions of `providers` and `limits`. */
import { outputOption, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';

/** Defines `ado providers`, its `test`, and `ado limits`. */
export function defineProviderCommands(program: Command, perform: Perform): void {
  const providers = program
    .command('providers')
    .summary('list the accounts with providers of models')
    .description(
      'Lists the accounts of providers.yaml in the order in which they are tried: their models, whether the credential is ' +
        'there, how they do, and what was used today. docs/providers.md tells of the file.',
    )
    .addOption(outputOption())
    .action((options) =>
      perform(async (cli) => (await import('../commands/providers.ts')).listAccounts(cli, options)),
    );
  withExamples(providers, 'ado providers', 'ado providers -o json', 'ado providers test work');
  withExamples(
    providers
      .command('test')
      .summary('test the credential and the address of an account')
      .description(
        "Asks the account's provider for its list of models, from where calls are made. Buys nothing. Exit code 1 when it fails.",
      )
      .argument('<account>', 'name of the account')
      // -o belongs to `providers`, which reads it wherever it stands.
      .action((account) =>
        perform(async (cli) =>
          (await import('../commands/providers.ts')).testAccount(cli, {
            ...providers.opts(),
            account,
          }),
        ),
      ),
    'ado providers test work',
  );
  withExamples(
    program
      .command('limits')
      .summary('watch the limits of the accounts')
      .description(
        'Shows how much of each limit is used, when the next call may go, and which tasks wait. On a terminal it goes on ' +
          'until Ctrl-C.',
      )
      .option('--once', 'show it once, on a terminal too')
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/limits.ts')).limits(cli, options)),
      ),
    'ado limits',
    'ado limits --once',
    'ado limits -o json',
  );
}
