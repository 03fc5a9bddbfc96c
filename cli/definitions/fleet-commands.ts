/** The definitions of `workers` and `pools`. */
import { outputOption, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';

/** Defines `ado workers` and `ado pools`. */
export function defineFleetCommands(program: Command, perform: Perform): void {
  const workers = program
    .command('workers')
    .summary('look at the worker processes')
    .description('The processes that do the work: what each serves, and how busy it is.');
  withExamples(workers, 'ado workers list');
  withExamples(
    workers
      .command('list')
      .summary('list the worker processes')
      .description(
        'Lists the workers that told of themselves within 15 seconds: their host, pools, slots in use, and version.',
      )
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/workers.ts')).listWorkers(cli, options)),
      ),
    'ado workers list',
    'ado workers list -o json',
  );

  const pools = program
    .command('pools')
    .summary('look at the pools of workers')
    .description('Pools of workers: what waits for each, and how many workers it takes.');
  withExamples(pools, 'ado pools list');
  withExamples(
    pools
      .command('list')
      .summary('list the pools with their backlog')
      .description(
        'Lists the pools: workers, slots in use, what waits and for how long, and how many workers that takes. ' +
          'docs/scaling.md says what is counted.',
      )
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/pools.ts')).listPools(cli, options)),
      ),
    'ado pools list',
    'ado pools list -o json',
  );
}
