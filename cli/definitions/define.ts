/** What the definitions of all commands share. They are loaded at every call, so they load nothing else. */
import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { AppError } from '../../contracts/errors.ts';
import type { Cli } from '../cli.ts';
import { outputFormats } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { integerIn, oneOf } from '../values.ts';

/** Runs a command's work with its call's environment, and keeps the exit code. */
export type Perform = (work: (cli: Cli) => Promise<number>) => Promise<void>;

/** Examples of each command, for its help and for docs/cli.md. */
const examplesOf = new WeakMap<object, readonly string[]>();

/** Gives a command examples, shown at the end of its help. */
export function withExamples<T extends { addHelpText(position: 'after', text: string): unknown }>(
  command: T,
  ...examples: readonly string[]
): T {
  examplesOf.set(command, examples);
  command.addHelpText(
    'after',
    `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`,
  );
  return command;
}

/** Lists the examples of a command. */
export function listExamples(command: object): readonly string[] {
  return examplesOf.get(command) ?? [];
}

/** Lets commander name the option or argument whose value is wrong. */
export function valueOf<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof AppError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** The same for an option that may be given several times. */
export function valuesOf<T>(
  parse: (text: string) => T,
): (text: string, before: T[] | undefined) => T[] {
  const parseOne = valueOf(parse);
  return (text, before) => [...(before ?? []), parseOne(text)];
}

/** `-o, --output`, with the forms that a command has; the first is the default. */
export function outputOption<const T extends string = OutputFormat>(
  formats: readonly [T, ...T[]] = outputFormats as unknown as readonly [T, ...T[]],
): Option<'-o, --output <format>', undefined, T, T> {
  const option = new Option('-o, --output <format>', `form of the output: ${formats.join(', ')}`);
  return option.default(formats[0]).argParser(valueOf(oneOf(formats)));
}

/** Reads a count from 1 up. */
export const parseCount = valueOf(integerIn({ min: 1, max: 1_000_000 }));

export { Command, Option };
