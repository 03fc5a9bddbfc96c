/** The definitions of `workers` and `pools`. */
import { outputOption, valueOf, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';
import { integerIn } from '../values.ts';

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
    .summary('look at the pools of workers, and scale them')
    .description('Pools of workers: what waits for each, and how many workers it takes.');
  withExamples(pools, 'ado pools list', 'ado --context k8s pools scale agents 20');
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
  withExamples(
    pools
      .command('scale')
      .summary('change how many workers a pool of a release has')
      .description(
        'Upgrades the release of a context on Kubernetes with another number of workers for a pool of the chart, and nothing ' +
          'else. A pool that an autoscaler looks after is refused.',
      )
      .argument('<pool>', 'name of the pool in the values of the chart')
      .argument('<workers>', 'how many it is to have', valueOf(integerIn({ min: 0, max: 1_000 })))
      .addOption(outputOption())
      .action((pool, workers, options) =>
        perform(async (cli) =>
          (await import('../commands/scale-pool.ts')).scalePool(cli, { ...options, pool, workers }),
        ),
      ),
    'ado --context k8s pools scale agents 20',
  );
}
