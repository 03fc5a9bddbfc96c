/** One call of the command line, from its words to its exit code. */
import { CommanderError } from '@commander-js/extra-typings';
import type { CliEnvironment } from '../config/cli-environment.ts';
import { AppError, codeOf } from '../contracts/errors.ts';
import type { Cli, GlobalOptions } from './cli.ts';
import type { Command } from './definitions/define.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { formatError, reportError } from './print-error.ts';
import { createProgram } from './program.ts';
import { createTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

/** Runs the command line; answers its exit code. Nothing is thrown. */
export async function runCli(
  words: readonly string[],
  environment: CliEnvironment,
): Promise<number> {
  leaveWhenNobodyReads();
  let exitCode: number = exitCodes.ok;
  let usage = '';
  const perform = async (work: (cli: Cli) => Promise<number>): Promise<void> => {
    const options = program.opts() as unknown as GlobalOptions;
    const terminal = openTerminal(options, environment.noColor);
    const canAsk = options.input && process.stdin.isTTY && process.stderr.isTTY;
    const ask = canAsk ? askPerson : undefined;
    exitCode = await work({ environment, options, terminal, readStdin, ask });
  };
  const program = createProgram(perform, (root) => {
    root.exitOverride().configureOutput({ outputError: (text) => (usage = text) });
  });
  if (words.length === 0) {
    program.outputHelp();
    return exitCodes.ok;
  }
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    // `ado batch` without a verb: commander has printed its help on stderr.
    if (error instanceof CommanderError && error.code === 'commander.help') return exitCodes.usage;
    const options = program.opts() as unknown as GlobalOptions;
    const terminal = openTerminal(options, environment.noColor);
    const shown = error instanceof CommanderError ? toUsageError(usage, program, words) : error;
    return fail(shown, { terminal, verbose: options.verbose });
  }
}

function openTerminal(options: Partial<GlobalOptions>, noColor: boolean): Terminal {
  const { color = 'auto', quiet = false, verbose = false } = options;
  return createTerminal({
    stdout: process.stdout,
    stderr: process.stderr,
    color,
    noColor,
    quiet,
    verbose,
  });
}

function fail(
  error: unknown,
  { terminal, verbose }: { readonly terminal: Terminal; readonly verbose: boolean },
): number {
  terminal.alarm(formatError(reportError(error), { paint: terminal.notePaint, verbose }));
  // An error without a code is a defect: its place helps whoever mends it.
  if (codeOf(error) === undefined && verbose && error instanceof Error)
    terminal.alarm(error.stack ?? '');
  return exitCodeOf(error);
}

/** Commander's message as one of ours, with the help of the command it is about. */
function toUsageError(text: string, program: Command, words: readonly string[]): AppError {
  const [first = '', ...more] = text
    .trim()
    .replace(/^error: /, '')
    .split('\n');
  const hint = more.map((line) => line.trim().replace(/^\((.*)\)$/, '$1')).join(' ');
  const path = ['ado', ...commandPath(program, words)].join(' ');
  const error = new AppError('USAGE', hint === '' ? first : `${first.replace(/\.$/, '')}. ${hint}`);
  return Object.assign(error, { remedy: `See \`${path} --help\`.` });
}

function commandPath(program: Command, words: readonly string[]): string[] {
  const path: string[] = [];
  let current: {
    readonly commands: readonly { name(): string; readonly commands: readonly unknown[] }[];
  } = program;
  for (const word of words) {
    const next = current.commands.find((command) => command.name() === word);
    if (next === undefined) continue;
    path.push(word);
    current = next as typeof current;
  }
  return path;
}

async function readStdin(): Promise<string> {
  if (process.stdin.isTTY)
    throw new AppError('USAGE', 'Nothing comes in on stdin: pipe it in, or give a file.');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Asks on stderr: stdout is for data. Not as a terminal, whose raw mode would take Ctrl-C from the process. */
async function askPerson(question: string): Promise<string> {
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: process.stdin, terminal: false });
  process.stderr.write(question);
  const answer = await new Promise<string>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => {
      resolve('');
    });
  });
  lines.close();
  return answer;
}

/** `ado ps | head -1`: the reader has what it wanted. */
function leaveWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    throw error;
  });
}
