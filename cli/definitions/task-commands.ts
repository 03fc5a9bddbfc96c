/** The definitions of the commands over tasks and batches alike. */
import { failureClasses, outcomes, taskStatuses } from '../../contracts/task-status.ts';
import { Option, outputOption, parseCount, valueOf, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';
import { integerIn, listOf, oneOf, parseDurationMs } from '../values.ts';
import { stepWords } from './words.ts';

const idHelp = 'id, or its last 6 or more characters';

/** Reads a sequence number. */
export const parseSeq = valueOf(integerIn({ min: 0, max: Number.MAX_SAFE_INTEGER }));

/** Defines `ps`, `show`, `logs`, `diff`, `cancel`, `retry`, `publish`, and the names they had elsewhere. */
export function defineTaskCommands(program: Command, perform: Perform): void {
  definePs(program, perform);
  defineShow(program, perform);
  defineLogs(program, perform);
  withExamples(
    program
      .command('diff')
      .summary('show the change of a task')
      .description(
        'Prints the whole change of a task as a patch: coloured on a terminal, with control characters written out; in a ' +
          'pipe as `git apply` takes it.',
      )
      .argument('<id>', idHelp)
      .addOption(
        new Option('--stat', 'how much each file changed, and in all').conflicts('nameOnly'),
      )
      .addOption(new Option('--name-only', 'only the paths of changed files'))
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) => (await import('../commands/diff.ts')).diff(cli, { ...options, id })),
      ),
    'ado diff 3f9a1c2e',
    'ado diff 3f9a1c2e --stat',
    'ado diff 3f9a1c2e | git apply',
    'ado diff 3f9a1c2e --color always | less -R',
  );
  withExamples(
    program
      .command('cancel')
      .summary('cancel a task or a batch')
      .description('Cancels a task or a batch: what runs is stopped, what waits never starts.')
      .argument('<id>', idHelp)
      .option('--reason <text>', 'why, for the record')
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/cancel.ts')).cancelWork(cli, { ...options, id, kind: 'any' }),
        ),
      ),
    'ado cancel 3f9a1c2e --reason "wrong branch"',
  );
  withExamples(
    program
      .command('retry')
      .summary('start a new attempt of a failed or cancelled task')
      .description(
        'Starts a new attempt from the last checkpoint. With the id of a batch: of its failed items.',
      )
      .argument('<id>', idHelp)
      .option('--wait', 'wait for the end')
      .option(
        '--wait-timeout <duration>',
        'wait no longer than this (exit code 8)',
        valueOf(parseDurationMs),
      )
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/retry.ts')).retry(cli, { ...options, id, kind: 'any' }),
        ),
      ),
    'ado retry 3f9a1c2e --wait',
  );
  withExamples(
    program
      .command('publish')
      .summary('push the work of ended tasks')
      .description(
        'Pushes the branches of ended tasks into their repositories: of those that were kept, that failed or were delivered as a patch. ' +
          'With the id of a batch: of all its items that changed something, one after the other. Repeating it changes nothing.',
      )
      .argument('<ids...>', idHelp)
      .option('--pull-request', 'make pull requests too')
      .option(
        '--target <branch>',
        'branch that the pull requests are for (default: the target of the task, else the default branch)',
      )
      .addOption(outputOption())
      .action((ids, options) =>
        perform(async (cli) =>
          (await import('../commands/publish.ts')).publish(cli, { ...options, ids }),
        ),
      ),
    'ado publish 3f9a1c2e',
    'ado publish 7b1d90aa --pull-request',
  );
  defineOldNames(program, perform);
}

function definePs(program: Command, perform: Perform): void {
  withExamples(
    program
      .command('ps')
      .summary('list tasks and batches')
      .description(
        'Lists tasks and batches, newest first. Items of batches stand in the row of their batch; with a filter or --all ' +
          'they are listed themselves. Filters with several words take them comma-separated.',
      )
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
      .option('--batch <id>', 'items of a batch')
      .option('--repository <repository>', 'path or URL of the repository, whole')
      .option('--label <name=value>', 'label')
      .option('--all', 'items of batches too')
      .option('--limit <n>', 'most rows of each kind', parseCount, 50)
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/ps.ts')).ps(cli, options)),
      ),
    'ado ps',
    'ado ps --status running,queued -o name',
    'ado ps --failure infra,gate --batch 7b1d90aa -o json',
  );
}

function defineShow(program: Command, perform: Perform): void {
  withExamples(
    program
      .command('show')
      .summary('show a task or a batch')
      .description(
        'Shows all that is known of a task or a batch: of a task also its checks, with what they found, and its steps, turn ' +
          'by turn. Of many steps those are shown that failed, and the last ones.',
      )
      .argument('<id>', idHelp)
      .addOption(
        new Option('--steps <which>', `steps and findings of a task: ${stepWords.join(', ')}`)
          .default('some' as const)
          .argParser(valueOf(oneOf(stepWords))),
      )
      .addOption(outputOption())
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/show.ts')).show(cli, { ...options, id, kind: 'any' }),
        ),
      ),
    'ado show 3f9a1c2e',
    'ado show 3f9a1c2e --steps all',
    'ado show 3f9a1c2e -o json',
  );
}

function defineLogs(program: Command, perform: Perform): void {
  withExamples(
    program
      .command('logs')
      .summary('print what programs and models wrote')
      .description(
        'Prints what the programs and models of a task wrote; of a batch, what happened to its items. With -o jsonl every ' +
          'event with its sequence number, so that a later call goes on with --after.',
      )
      .argument('<id>', idHelp)
      .option('-f, --follow', 'go on as it comes, until the end')
      .option('--after <seq>', 'begin after this event', parseSeq)
      .addOption(outputOption(['text', 'jsonl']))
      .action((id, options) =>
        perform(async (cli) =>
          (await import('../commands/logs.ts')).logs(cli, { ...options, id, kind: 'any' }),
        ),
      ),
    'ado logs 3f9a1c2e',
    'ado logs -f 3f9a1c2e',
    'ado logs 3f9a1c2e -o jsonl --after 120',
  );
}

/** Names that the same things have in older documents. They answer, and are shown nowhere. */
function defineOldNames(program: Command, perform: Perform): void {
  const list = async (output: 'text' | 'json'): Promise<void> =>
    perform(async (cli) => (await import('../commands/ps.ts')).ps(cli, { limit: 50, output }));
  program
    .command('tasks', { hidden: true })
    .addOption(new Option('--json'))
    .action((options) => list(options.json === true ? 'json' : 'text'));
  program
    .command('status', { hidden: true })
    .argument('[id]')
    .addOption(new Option('--json'))
    .action((id, options) => {
      const output = options.json === true ? 'json' : 'text';
      if (id === undefined) return list(output);
      return perform(async (cli) =>
        (await import('../commands/show.ts')).show(cli, { id, kind: 'any', output }),
      );
    });
}
