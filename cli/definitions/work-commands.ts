/** The definitions of `run` and `plan`. */
import { agentWords, deliveryWords, gateProfileWords, policyWords, sandboxWords } from './words.ts';
import {
  Command,
  Option,
  outputOption,
  parseCount,
  valueOf,
  valuesOf,
  withExamples,
} from './define.ts';
import type { Perform } from './define.ts';
import {
  integerIn,
  oneOf,
  parseDurationMs,
  parseFailureBudget,
  parseMicroUsd,
  parsePair,
  parseThresholdMicroUsd,
} from '../values.ts';

const text = (word: string): string => word;

/** The flags that say what is to be done; shared by both commands. */
function workCommand(name: string) {
  return new Command(name)
    .argument('[prompt]', 'what is to be done; - reads it from stdin')
    .argument('[more...]', 'further targets, when the shell expands the pattern of --repos')
    .option('--file <path>', 'read the prompt from a file')
    .option(
      '--repos <targets>',
      'targets: a file (list, CSV or JSONL), a quoted pattern such as "repos/*", or - for stdin',
    )
    .option(
      '--repo <repository>',
      'one target, a path or URL; may be given several times',
      valuesOf(text),
    )
    .option(
      '--include <pattern>',
      'take only targets that match; may be given several times',
      valuesOf(text),
    )
    .option(
      '--exclude <pattern>',
      'list matching targets as opted out; may be given several times',
      valuesOf(text),
    )
    .option('--sample <n>', 'take only so many targets, drawn by --seed', parseCount)
    .option('--seed <seed>', 'seed of --sample: the same one draws the same targets')
    .option(
      '--parallel <n>',
      'items that work at once (default: 10)',
      valueOf(integerIn({ min: 1, max: 500 })),
    )
    .option(
      '--agent <agent>',
      `who does the work: ${agentWords.join(', ')} (default: command with --exec, else builtin)`,
      valueOf(oneOf(agentWords)),
    )
    .option(
      '--model <model>',
      'model of the agent, provider:model or account:model, several with commas between; scripted:FILE (builtin) needs no key',
    )
    .option(
      '--exec <command>',
      'command of the command agent, run by sh -c in the work tree; of acp the one that starts the agent',
    )
    .option(
      '--gate <name=command>',
      'check that the work must pass; may be given several times',
      valuesOf(parsePair),
    )
    .option(
      '--gate-timeout <duration>',
      'limit of each check that --gate names (default: 10m)',
      valueOf(parseDurationMs),
    )
    .option(
      '--gate-profile <profile>',
      "which of the repository's own checks count, too: none, minimal, standard, strict (default: standard for agents without --gate)",
      valueOf(oneOf(gateProfileWords)),
    )
    .option(
      '--setup <command>',
      'installs what checks need, run by sh -c before the work; it may leave only what git ignores',
    )
    .option(
      '--allow-host <host>',
      'host that programs in the sandbox may reach; may be given several times',
      valuesOf(text),
    )
    .option(
      '--max-cost <usd>',
      'spending limit in US dollars: of a task, or of all items of a batch together (default: 10 for each task)',
      valueOf(parseMicroUsd),
    )
    .option(
      '--timeout <duration>',
      'work time of an attempt, such as 30m (default: 1h)',
      valueOf(parseDurationMs),
    )
    .option(
      '--failure-budget <n>',
      'failed items, as a count or a share such as 10%, after which no new ones start',
      valueOf(parseFailureBudget),
    )
    .option(
      '--priority <n>',
      '1 is first, 5 last (default: 3)',
      valueOf(integerIn({ min: 1, max: 5 })),
    )
    .option('--label <name=value>', 'label; may be given several times', valuesOf(parsePair))
    .option('--base <ref>', 'branch, tag or commit to begin from (default: HEAD of the repository)')
    .option('--name <name>', 'name of the batch')
    .option(
      '--policy <policy>',
      `how far people are asked: ${policyWords.join(', ')} (default: autonomous)`,
      valueOf(oneOf(policyWords)),
    )
    .addOption(new Option('--hitl <policy>').argParser(valueOf(oneOf(policyWords))).hideHelp())
    .option(
      '--sandbox <kind>',
      'none runs without a sandbox, at your own risk (default: bubblewrap)',
      valueOf(oneOf(sandboxWords)),
    )
    .option(
      '--deliver <how>',
      'what becomes of finished work: branch, patch, merge, pull-request (default: branch)',
      valueOf(oneOf(deliveryWords)),
    )
    .option(
      '--target <branch>',
      'branch to merge into, or to make the pull request for (default: the one that HEAD of the repository names)',
    )
    .option(
      '--publish',
      'push the branch into a repository on another host, too (default: it is kept until ado publish)',
    )
    .option('--fresh', 'do the work again although a result for the same content is known');
}

/** Defines `ado run`. */
export function defineRun(program: Command, perform: Perform): void {
  const command = workCommand('run')
    .summary('run a task, or a batch over many repositories')
    .description(
      'Runs a task in one repository, or a batch over many, and waits for the end. ' +
        'A batch when --repos or several --repo are given. Without either, the repositories of ado.config.yaml ' +
        'are taken, else the repository of the current folder. .adoignore lists targets that opt out.',
    )
    .addOption(new Option('--wait', 'wait for the end (the default)').conflicts('detach'))
    .option('--detach', 'return as soon as the work is durably accepted')
    .option(
      '--wait-timeout <duration>',
      'wait no longer than this; the work goes on (exit code 8)',
      valueOf(parseDurationMs),
    )
    .addOption(
      new Option(
        '--confirm-above <usd>',
        'spending of a task above which a person is asked, 0 before any (default: as the server is configured)',
      ).argParser(valueOf(parseThresholdMicroUsd)),
    )
    .addOption(
      new Option('--yes', 'spend up to --max-cost without asking').conflicts('confirmAbove'),
    )
    .option(
      '--idempotency-key <key>',
      'key that makes submitting twice harmless (default: a new one)',
    )
    .addOption(outputOption())
    .action((prompt, more, options) =>
      perform(async (cli) => {
        const { run } = await import('../commands/run.ts');
        return run(cli, prompt === undefined ? [] : [prompt, ...more], options);
      }),
    );
  withExamples(
    command,
    'ado run "Fix the failing test" --model scripted:fix.json',
    'ado run "Use the new logger" --repos repos.txt --parallel 20 --gate test="npm test"',
    'ado run "Format" --exec "npx prettier --write ." --repos "services/*"',
    'ado run --file task.md --repos targets.csv --sample 5 --seed 1',
    'ado run "Bump {{library}}" --repos targets.csv -o jsonl | jq -c "select(.type==\\"result\\")"',
  );
  program.addCommand(command.copyInheritedSettings(program));
}

/** Defines `ado plan`. */
export function definePlan(program: Command, perform: Perform): void {
  const command = workCommand('plan')
    .summary('show what run would do and cost; nothing is started')
    .description(
      'Resolves targets, base commits and prompts, and estimates the cost. Starts, stores and spends nothing.',
    )
    .option('--prompts', 'show every prompt whole')
    .addOption(outputOption(['text', 'json', 'jsonl', 'yaml', 'name', 'csv']))
    .action((prompt, more, options) =>
      perform(async (cli) => {
        const { plan } = await import('../commands/plan.ts');
        return plan(cli, prompt === undefined ? [] : [prompt, ...more], options);
      }),
    );
  withExamples(
    command,
    'ado plan "Use the new logger" --repos repos.txt --model scripted:logger.json',
    'ado plan "Format" --exec ./format.sh --repos "services/*" -o csv > lock.csv',
    'ado run "Format" --exec ./format.sh --repos lock.csv',
  );
  program.addCommand(command.copyInheritedSettings(program));
}
