/** The lock of a batch: its targets with the commits they stand at, as CSV that `--repos` reads again. */

/** One row of a lock. */
export interface LockRow {
  readonly repository: string;
  readonly baseRef: string | undefined;
  readonly baseCommit: string;
  /** Set when the target had a prompt of its own. */
  readonly prompt?: string | undefined;
  readonly variables: Readonly<Record<string, string>>;
  readonly skip: string | undefined;
}

/** Writes a lock: repository, baseRef, baseSha, a prompt if any row has one, a column a variable, skipped, reason. */
export function formatLock(rows: readonly LockRow[]): string {
  const variables = [...new Set(rows.flatMap((row) => Object.keys(row.variables)))].sort();
  const hasPrompt = rows.some((row) => row.prompt !== undefined);
  const prompt = hasPrompt ? ['prompt'] : [];
  const heading = [
    'repository',
    'baseRef',
    'baseSha',
    ...prompt,
    ...variables,
    'skipped',
    'reason',
  ];
  const lines = rows.map((row) => [
    row.repository,
    row.baseRef ?? '',
    row.baseCommit,
    ...(hasPrompt ? [row.prompt ?? ''] : []),
    ...variables.map((name) => row.variables[name] ?? ''),
    row.skip === undefined ? 'false' : 'true',
    row.skip ?? '',
  ]);
  return formatCsv([heading, ...lines]);
}

/** Writes rows as CSV (RFC 4180, with plain line feeds). */
export function formatCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(quoteField).join(',')}\n`).join('');
}

function quoteField(text: string): string {
  // A leading `#` would be read as a comment, outer spaces would be trimmed.
  return /[",\r\n]|^[#\s]|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
