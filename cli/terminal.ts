/** Where the command line writes: data on stdout, everything else on stderr. */
import { styleText } from 'node:util';

/** A stream to write to, and what is known of the terminal behind it. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

/** When colours are used. `auto`: on a terminal, unless NO_COLOR is set. */
export type ColorChoice = 'auto' | 'always' | 'never';

/** The colours that text is painted with; without colours it stays as it is. */
export interface Paint {
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

/** Makes the colours, or none. */
export function createPaint(enabled: boolean): Paint {
  const paint =
    (format: keyof Paint) =>
    (text: string): string =>
      enabled ? styleText(format, text, { validateStream: false }) : text;
  return {
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    cyan: paint('cyan'),
    dim: paint('dim'),
    bold: paint('bold'),
  };
}

/** What decides how a terminal writes. */
export interface TerminalOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly color: ColorChoice;
  readonly noColor: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

/** The terminal of one call of the command line. */
export interface Terminal {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Colours of stdout. */
  readonly paint: Paint;
  /** Colours of stderr. */
  readonly notePaint: Paint;
  /** Writes text as it is to stdout. */
  readonly write: (text: string) => void;
  /** Writes a line of data to stdout. */
  readonly line: (text: string) => void;
  /** Tells people something on stderr, unless --quiet. */
  readonly note: (text: string) => void;
  /** Tells people something on stderr with --verbose only. */
  readonly detail: (text: string) => void;
  /** Writes a line to stderr whatever the flags say: errors. */
  readonly alarm: (text: string) => void;
}

/** Makes the terminal of one call. */
export function createTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr } = options;
  const colored = (stream: OutputStream): boolean =>
    options.color === 'always' ||
    (options.color === 'auto' && !options.noColor && stream.isTTY === true);
  const alarm = (text: string): void => void stderr.write(`${text}\n`);
  return {
    stdout,
    stderr,
    paint: createPaint(colored(stdout)),
    notePaint: createPaint(colored(stderr)),
    write: (text) => void stdout.write(text),
    line: (text) => void stdout.write(`${text}\n`),
    note: (text) => {
      if (!options.quiet) alarm(text);
    },
    detail: (text) => {
      if (options.verbose) alarm(text);
    },
    alarm,
  };
}

/**
 * Takes out of a text what could steer the terminal: names, errors and outputs come from repositories and programs.
 * Line breaks and tabs stay; with `keepColors` so do colours.
 */
export function tame(text: string, options: { readonly keepColors?: boolean } = {}): string {
  return text.replace(steering, (found) =>
    options.keepColors === true && colors.test(found) ? found : '',
  );
}

const colors = /^\u001b\[[\d;:]*m$/;
// CSI, OSC and two-letter sequences; what is left of broken ones goes with the other control characters.
const steering =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Takes a text to one tamed line of at most `width` characters. */
export function toLine(text: string, width: number): string {
  const flat = tame(text).replace(/\s+/g, ' ').trim();
  const characters = Array.from(flat);
  return characters.length <= width
    ? flat
    : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}
