/** The definitions of `ado batch …`. */
import { failureClasses, outcomes, taskStatuses } from '../../contracts/task-status.ts';
import { outputOption, parseCount, valueOf, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';
import { parseSeq } from './task-commands.ts';
import { integerIn, listOf, parseDurationMs, parseFailureBudget } from '../values.ts';

const idHelp = 'id of the batch, or its last 6 or more characters';

/** Defines `ado batch` and its verbs. */
export function defineBatchCommands(program: Command, perform: Perform): void {
  const batch = program
    .command('batch')
    .summary('look at batches and change them')
    .description(
      'Looks at batches, changes live ones, retries their failed items, exports and reports their results.',
    );
  withExamples(
    batch,
    'ado batch list',
    'ado batch show 7b1d90aa',
    'ado batch retry 7b1d90aa --only infra,gate --wait',
  );
  defineLooks(batch, perform);
  defineChanges(batch, perform);
  defineReport(batch, perform);
  withExamples(
    batch
      .command('export')
      .summary('write the results of a batch to a folder')
      .description(
        'Writes the results of a batch to a folder, file by file in one step each, batch.json last. May be repeated while ' +
          'the batch runs. A folder that holds anything else is refused.',
      )
      .argument('<id>', idHelp)
      .argument('<folder>', 'a new or empty folder, or an earlier export of the same batch')
      .action((id, folder) =>
        perform(async (cli) =>
          (await import('../commands/export.ts')).exportBatch(cli, { id, folder }),
        ),
      ),
    'ado batch export 7b1d90aa results/',
  );
}

function defineLooks(batch: Command, perform: Perform): void {
  withExamples(
    batch
      .command('list')
      .summary('list batches')
      .description('Lists batches, newest first.')
      .option('--limit <n>', 'most rows', parseCount, 50)
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/batch.ts')).listBatches(cli, options)),
      ),
    'ado batch list --limit 5',
  );
  withExamples(
    batch
      .command('show')
      .summary('show a batch')
      .description('Shows counts, cost, times and failures of a batch.')
      .argument('<id>', idHelp)
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/show.ts')).show(cli, { ...options, id, kind: 'batch' }),
        ),
      ),
    'ado batch show 7b1d90aa',
  );
  withExamples(
    batch
      .command('items')
      .summary('list the items of a batch')
      .description(
        'Lists the items of a batch in their order. Filters with several words take them comma-separated.',
      )
      .argument('<id>', idHelp)
      .option(
        '--status <words>',
        `statuses: ${taskStatuses.join(', ')}`,
        valueOf(listOf(taskStatuses)),
      )
      .option('--outcome <words>', `outcomes: ${outcomes.join(', ')}`, valueOf(listOf(outcomes)))
      .option(
        '--failure <classes>',
        `classes of failure: ${failureClasses.join(', ')}`,
        valueOf(listOf(failureClasses)),
      )
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/batch.ts')).listItems(cli, { ...options, id }),
        ),
      ),
    'ado batch items 7b1d90aa --outcome failed',
  );
  withExamples(
    batch
      .command('logs')
      .summary('print what happened to the items of a batch')
      .description(
        'Prints the events of a batch: items started and ended. The words of one item: ado logs <id of the item>.',
      )
      .argument('<id>', idHelp)
      .option('-f, --follow', 'go on as it comes, until the end')
      .option('--after <seq>', 'begin after this event', parseSeq)
      .addOption(outputOption(['text', 'jsonl']))
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/logs.ts')).logs(cli, { ...options, id, kind: 'batch' }),
        ),
      ),
    'ado batch logs -f 7b1d90aa',
  );
}

function defineReport(batch: Command, perform: Perform): void {
  withExamples(
    batch
      .command('report')
      .summary('write what came of a batch as a page')
      .description(
        'Writes one page about a batch that opens from disk and loads nothing: every item, failures first, with its error, ' +
          'checks, change, cost and time. May be repeated while the batch runs: an earlier report is replaced, any other ' +
          'file is refused. With -o md or json the report goes to stdout.',
      )
      .argument('<id>', idHelp)
      .option('--html <path>', 'path of the page, - is stdout (default: <batch id>.html)')
      .addOption(outputOption(['html', 'md', 'json']))
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/report.ts')).reportBatch(cli, { ...options, id }),
        ),
      ),
    'ado batch report 7b1d90aa --html report.html',
    'ado batch report 7b1d90aa -o md',
  );
}

function defineChanges(batch: Command, perform: Perform): void {
  withExamples(
    batch
      .command('cancel')
      .summary('cancel a batch')
      .description('Cancels a batch: running items are stopped, waiting ones never start.')
      .argument('<id>', idHelp)
      .option('--reason <text>', 'why, for the record')
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/cancel.ts')).cancelWork(cli, {
            ...options,
            id,
            kind: 'batch',
          }),
        ),
      ),
    'ado batch cancel 7b1d90aa',
  );
  withExamples(
    batch
      .command('retry')
      .summary('retry the failed items of a batch')
      .description(
        'Starts new attempts of failed items, while the batch runs or after its end. Class input is retried only when it ' +
          'is named.',
      )
      .argument('<id>', idHelp)
      .option(
        '--only <classes>',
        `classes of failure: ${failureClasses.join(', ')}`,
        valueOf(listOf(failureClasses)),
      )
      .option('--cancelled', 'cancelled items too')
      .option('--wait', 'wait for the end')
      .option(
        '--wait-timeout <duration>',
        'wait no longer than this (exit code 8)',
        valueOf(parseDurationMs),
      )
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/retry.ts')).retry(cli, { ...options, id, kind: 'batch' }),
        ),
      ),
    'ado batch retry 7b1d90aa --only infra,gate --wait',
  );
  withExamples(
    batch
      .command('set')
      .summary('change a live batch')
      .description('Changes a live batch; nothing that runs is stopped.')
      .argument('<id>', idHelp)
      .option('--parallel <n>', 'items that work at once', valueOf(integerIn({ min: 1, max: 500 })))
      .option(
        '--failure-budget <n>',
        'a count, or a share such as 10%',
        valueOf(parseFailureBudget),
      )
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/batch.ts')).setBatch(cli, { ...options, id }),
        ),
      ),
    'ado batch set 7b1d90aa --parallel 5',
  );
}
