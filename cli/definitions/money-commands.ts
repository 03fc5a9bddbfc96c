/** The definitions of `usage` and `prices`. */
import { usageWords } from './words.ts';
import { Option, outputOption, parseCount, valueOf, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';
import { parsePeriod } from '../period.ts';
import { oneOf } from '../values.ts';

/** Defines `ado usage`. */
export function defineUsage(program: Command, perform: Perform): void {
  withExamples(
    program
      .command('usage')
      .summary('show what was spent')
      .description(
        'Adds up the calls of models of a period: calls, tokens, cost, and money that is held or lost from sight. Days are ' +
          'those of the daily budget (ADO_BUDGET_TIME_ZONE of the server).',
      )
      .addOption(
        new Option('--by <word>', `rows: ${usageWords.join(', ')} (default: provider)`).argParser(
          valueOf(oneOf(usageWords)),
        ),
      )
      .addOption(
        new Option(
          '--period <period>',
          'today, 7d, 30d, this-month, or days as 2026-11-01..2026-11-15 (default: this-month)',
        ).argParser(valueOf(parsePeriod)),
      )
      .addOption(
        new Option(
          '--forecast',
          'what was spent today and this month, where it leads, and the budgets',
        ).conflicts(['by', 'period', 'lost']),
      )
      .addOption(
        new Option(
          '--lost',
          'list calls whose answer was lost: perhaps paid, their money counts as gone',
        ).conflicts(['by', 'period']),
      )
      .option('--limit <n>', 'most rows', parseCount, 50)
      .addOption(outputOption(['text', 'json', 'jsonl', 'yaml', 'csv']))
      .action((options) =>
        perform(async (cli) => (await import('../commands/usage.ts')).usage(cli, options)),
      ),
    'ado usage',
    'ado usage --by task --period today',
    'ado usage --by day --period 2026-11-01..2026-11-15 -o csv',
    'ado usage --forecast',
    'ado usage --lost',
  );
}

/** Defines `ado prices`. */
export function definePrices(program: Command, perform: Perform): void {
  const prices = program
    .command('prices')
    .summary('show and set what models cost')
    .description(
      'Prices that operators set go before those that ship with ado, each from its date on: docs/prices.md.',
    );
  withExamples(prices, 'ado prices set prices.yaml', 'ado prices list');
  withExamples(
    prices
      .command('set')
      .summary('set prices from a file')
      .description(
        'Sets all prices of a file, or none. A price that counts already as it is in the file is not set again. Needs a key ' +
          'of an admin.',
      )
      .argument('<file>', 'YAML, as docs/prices.md says')
      .addOption(outputOption(['text', 'json', 'jsonl', 'yaml']))
      .action((file, options) =>
        perform(async (cli) =>
          (await import('../commands/prices.ts')).setPrices(cli, { ...options, file }),
        ),
      ),
    'ado prices set prices.yaml',
  );
  withExamples(
    prices
      .command('list')
      .summary('list the prices that were set')
      .description(
        'Lists the prices that were set, those that count first; with --model, what that model costs now, whoever set it.',
      )
      .option('--model <model>', 'what this model costs now, provider:model')
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/prices.ts')).listPrices(cli, options)),
      ),
    'ado prices list',
    'ado prices list --model anthropic:claude-sonnet-5',
  );
}
