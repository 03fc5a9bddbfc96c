/** The definitions of `dev`, `demo`, `doctor` and `emulator`. */
import type { PortName } from '../dev/ports.ts';
import { outputOption, valueOf, valuesOf, withExamples } from './define.ts';
import type { Command, Perform } from './define.ts';
import { integerIn, oneOf, parsePair } from '../values.ts';
import { installableWords } from './words.ts';

const portNames = [
  'api',
  'api-metrics',
  'worker-metrics',
  'temporal',
  'temporal-ui',
  'postgres',
  'redis',
] as const satisfies readonly PortName[];

function parsePort(text: string): readonly [PortName, number] {
  const [name, port] = parsePair(text);
  return [oneOf(portNames)(name), integerIn({ min: 1, max: 65_535 })(port)];
}

/** Defines `dev`, `demo`, `doctor` and `emulator`. */
export function definePlatformCommands(program: Command, perform: Perform): void {
  const dev = program
    .command('dev')
    .summary('start the platform on this machine')
    .description(
      'Starts what is missing of the platform on this machine: API, worker, Temporal, PostgreSQL, Redis. Ctrl-C stops it.',
    )
    .option('-d, --detach', 'leave it running in the background')
    .option(
      '--port <name=port>',
      `a port of ${portNames.join(', ')}; may be given several times`,
      valuesOf(parsePort),
    )
    .addOption(outputOption())
    .action((options) =>
      perform(async (cli) => (await import('../commands/dev.ts')).startDev(cli, options)),
    );
  withExamples(dev, 'ado dev', 'ado dev --detach', 'ado dev --port api=4000', 'ado dev stop');
  withExamples(
    dev
      .command('status')
      .summary('show the services of the platform')
      .description('Shows what runs, where, and whether it is ready. Exit code 0 when all is.')
      // -o belongs to `dev`, which reads it wherever it stands.
      .action(() =>
        perform(async (cli) => (await import('../commands/dev.ts')).showDevStatus(cli, dev.opts())),
      ),
    'ado dev status',
    'ado dev status -o json',
  );
  withExamples(
    dev
      .command('stop')
      .summary('stop the platform')
      .description(
        'Stops the platform and leaves no process behind. The data stays; the next start goes on.',
      )
      .action(() => perform(async (cli) => (await import('../commands/dev.ts')).stopDev(cli))),
    'ado dev stop',
  );
  withExamples(
    program
      .command('demo')
      .summary('see a batch survive a crash')
      .description(
        'Runs a small batch over throw-away repositories with a scripted model: no key, no network, no cost. With --agent ' +
          "a vendor's real program does the work, its model played by the emulator, on a platform of its own.",
      )
      .option(
        '--agent <agent>',
        `program that does the work: ${installableWords.join(', ')}`,
        valueOf(oneOf(installableWords)),
      )
      .action((options) =>
        perform(async (cli) => (await import('../commands/demo.ts')).runDemo(cli, options)),
      ),
    'ado demo',
    'ado demo --agent claude-code',
  );
  withExamples(
    program
      .command('doctor')
      .summary('check what this machine has of what ado needs')
      .description(
        'Checks programs, sandbox, configuration, platform and server, and says how to mend what is missing.',
      )
      .addOption(outputOption())
      .action((options) =>
        perform(async (cli) => (await import('../commands/doctor.ts')).doctor(cli, options)),
      ),
    'ado doctor',
  );
  withExamples(
    program
      .command('emulator')
      .summary('stand in for the providers of models')
      .description(
        'Speaks as Anthropic, OpenAI and Gemini do, with limits, errors and cuts as a script wants them. For development and tests: docs/emulator.md.',
      )
      .option(
        '--port <port>',
        'port on 127.0.0.1; 0 takes any that is free',
        valueOf(integerIn({ min: 0, max: 65_535 })),
        4010,
      )
      .option('--script <path>', 'limits, answers and faults, YAML or JSON')
      .option('--log <path>', 'append a JSON line for each call')
      .addOption(outputOption(['text', 'json']))
      .action((options) =>
        perform(async (cli) => (await import('../commands/emulator.ts')).runEmulator(cli, options)),
      ),
    'ado emulator',
    'ado emulator --script limits.yaml --log calls.jsonl',
    'ado emulator --port 0 -o json',
  );
}
