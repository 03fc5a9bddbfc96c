/** The forms that data is printed in. */
import type { Terminal } from './terminal.ts';

/** Every output form. `name` is ids only, one a line. */
export const outputFormats = ['text', 'json', 'jsonl', 'yaml', 'name'] as const;
/** One output form. */
export type OutputFormat = (typeof outputFormats)[number];

/** Data with the ways to print it. */
export interface Printable {
  /** What `json` and `yaml` print. */
  readonly value: unknown;
  /** What `jsonl` prints, a line each. Default: the value as one line. */
  readonly rows?: readonly unknown[];
  /** What `name` prints, a line each. */
  readonly names: readonly string[];
  readonly text: () => string;
}

/** Prints data on stdout in the form asked for. */
export async function print(
  terminal: Terminal,
  format: OutputFormat,
  data: Printable,
): Promise<void> {
  switch (format) {
    case 'text': {
      const text = data.text();
      if (text !== '') terminal.line(text);
      return;
    }
    case 'json':
      terminal.line(JSON.stringify(data.value, null, 2));
      return;
    case 'jsonl':
      for (const row of data.rows ?? [data.value]) terminal.line(JSON.stringify(row));
      return;
    case 'yaml': {
      const { stringify } = await import('yaml');
      terminal.write(stringify(data.value, { aliasDuplicateObjects: false }));
      return;
    }
    case 'name':
      for (const name of data.names) terminal.line(name);
      return;
  }
}
