/** What every command is given: the environment, the global flags, and where to write. */
import type { CliEnvironment } from '../config/cli-environment.ts';
import type { ColorChoice, Terminal } from './terminal.ts';

/** The flags that every command has. */
export interface GlobalOptions {
  readonly context?: string | undefined;
  /** Project configuration in place of ./ado.config.yaml. */
  readonly config?: string | undefined;
  /** False: nothing may be read from the keyboard. */
  readonly input: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: ColorChoice;
}

/** One call of the command line. */
export interface Cli {
  readonly environment: CliEnvironment;
  readonly options: GlobalOptions;
  readonly terminal: Terminal;
  /** Reads stdin to its end. */
  readonly readStdin: () => Promise<string>;
  /** Asks a person and answers what was typed; undefined where nobody can be asked: no terminal, or --no-input. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
}
