/** RESULTS.md: which command, on what kind of machine, when, and every figure with its bar. */
import { availableParallelism, arch, cpus, platform, totalmem } from 'node:os';
import { temporalVersions } from '../../cli/dev/versions.ts';
import type { Answered, Figure } from './question.ts';

/** Writes the answers as a document. Names neither host nor folders. */
export function toReport(
  answers: readonly Answered[],
  { rounds, postgres }: { readonly rounds: number; readonly postgres: string },
): string {
  const parts = answers.map(({ question, answer, foreignLoad }) => [
    `## ${question.title}`,
    '',
    `\`npm run bench -- ${question.name}\``,
    '',
    ...toTable(answer.figures),
    '',
    ...answer.notes.map((note) => `- ${note}`),
    `- Other processes of the machine used ${Math.round(foreignLoad * 100)} % of its CPU meanwhile.`,
    '',
  ]);
  return [
    '# Results of the benchmark',
    '',
    'Command: `npm run bench`. What is compared took turns in one run',
    `(${rounds} rounds, medians); absolute figures of different runs or machines cannot be compared.`,
    '',
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${machine()}; servers, API, worker and clients share its cores`,
    `- Versions: Node.js ${process.versions.node}, PostgreSQL ${postgres} (fsync and synchronous_commit on), Temporal ${temporalVersions.server} on it`,
    '',
    ...parts.flat(),
  ].join('\n');
}

function machine(): string {
  const model = (cpus()[0]?.model ?? 'unknown').trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${platform()} ${arch()}, ${availableParallelism()} cores (${model}), ${memory} GiB`;
}

function toTable(figures: readonly Figure[]): string[] {
  const rows = figures.map(({ what, measured, bar = '', holds }) => {
    const verdict = holds === undefined ? '' : holds ? 'yes' : 'NO';
    return [what, measured, bar, verdict];
  });
  const all = [['figure', 'measured', 'bar', 'holds'], ...rows];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  const toLine = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = '', ...lines] = all.map(toLine);
  return [head, toLine(widths.map((width) => '-'.repeat(width))), ...lines];
}
