/** One line that stands for an output. */

/**
 * The line of an output that tells most, shortened: the first that speaks of an error, else the last. Programs like to
 * end with a stack or their version.
 */
export function tellingLine(text: string): string {
  const error = text
    .split('\n')
    .find((line) => /error|fail|exception|fatal/i.test(line))
    ?.trim();
  return (error ?? lastLine(text)).slice(0, 300);
}

/** The last line that says something, shortened. */
export function lastLine(text: string): string {
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? 'no output' : line.slice(0, 300);
}
