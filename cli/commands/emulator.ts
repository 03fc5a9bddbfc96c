/** `ado emulator`: a provider of models for development and tests, in the foreground until Ctrl-C. */
import { openSync, writeSync } from 'node:fs';
import { AppError } from '../../contracts/errors.ts';
import type { Cli } from '../cli.ts';
import type { CallLine, Counts } from '../emulator/call-log.ts';
import { startEmulator } from '../emulator/emulator.ts';
import { loadScript } from '../emulator/script.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatTable } from '../table.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';

/** The flags of `ado emulator`. */
export interface EmulatorFlags {
  readonly port: number;
  readonly script?: string | undefined;
  readonly log?: string | undefined;
  readonly output: 'text' | 'json';
}

/** Runs the emulator until it is interrupted, then says what it counted. @throws PORT_TAKEN FILE_INVALID */
export async function runEmulator(cli: Cli, flags: EmulatorFlags): Promise<number> {
  const { environment, terminal } = cli;
  const script =
    flags.script === undefined ? undefined : await loadScript(flags.script, environment.variables);
  const writeToFile = flags.log === undefined ? undefined : openLog(flags.log);
  const interrupts = listenForInterrupts();
  const emulator = await startEmulator({
    port: flags.port,
    script,
    write: (line) => {
      writeToFile?.(line);
      terminal.detail(describe(JSON.parse(line) as CallLine));
    },
  });
  const { url, port } = emulator;
  if (flags.output === 'json') {
    terminal.line(JSON.stringify({ url, port, pid: process.pid }));
  } else {
    terminal.line(`The emulator listens on ${url}; Ctrl-C stops it.\n`);
    terminal.line(
      formatTable(
        terminal.paint,
        ['WIRE', 'BASE URL OF CLIENTS'],
        [
          ['anthropic', `${url}/v1`],
          ['openai', `${url}/v1`],
          ['gemini', `${url}/v1beta`],
          ['log, counts', `${url}/_emulator/log ${url}/_emulator/counts`],
        ],
      ),
    );
  }
  await new Promise<void>((resolve) => {
    interrupts.first.addEventListener('abort', () => resolve(), { once: true });
  });
  const counts = await emulator.counts();
  await emulator.close();
  interrupts.stop();
  terminal.note(summarize(counts));
  return exitCodes.ok;
}

function openLog(path: string): (line: string) => void {
  let file: number;
  try {
    file = openSync(path, 'a');
  } catch (error) {
    throw new AppError('FILE_INVALID', `${path} cannot be written.`, { cause: error });
  }
  return (line) => void writeSync(file, `${line}\n`);
}

function describe({ call, format, model, outcome, status, billed }: CallLine): string {
  return `${call} ${format} ${model}: ${outcome} ${status}, ${billed.inputTokens} in, ${billed.outputTokens} out`;
}

function summarize({ calls, outcomes, violations }: Counts): string {
  const parts = Object.entries(outcomes).filter(([, count]) => count > 0);
  const ends = parts.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
  return `${calls} calls${ends === '' ? '' : `: ${ends}`}. ${violations} violations of limits.`;
}
