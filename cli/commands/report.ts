/** `ado batch report`: what came of a batch, as a page to open, as Markdown, as JSON. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import { gatherReport } from '../report/gather-report.ts';
import { pagePatchBudget, reportMark, writeHtmlReport } from '../report/html-report.ts';
import { writeMarkdownReport } from '../report/markdown-report.ts';
import type { Report } from '../report/report.ts';
import { writeResult } from '../result-folder.ts';
import { countOf } from '../texts.ts';

/** The flags of `ado batch report`. */
export interface ReportOptions {
  readonly id: string;
  /** Path of the page; `-` is stdout. Default: `<batch>.html` here, unless another form is asked for. */
  readonly html?: string | undefined;
  readonly output?: 'html' | 'md' | 'json' | undefined;
}

/** Writes the page of a batch to a path, in one step. */
export async function writePage(
  cli: Cli,
  api: ApiClient,
  { batchId, path }: { readonly batchId: string; readonly path: string },
): Promise<void> {
  const how = { patchBudget: pagePatchBudget, onItem: tellProgress(cli) };
  const report = await gatherReport(api, batchId, how);
  writeResult(path, writeHtmlReport(report, cli.environment.command));
}

/** Runs the command; answers the exit code. */
export async function reportBatch(cli: Cli, options: ReportOptions): Promise<number> {
  const { terminal, environment } = cli;
  const { output = 'html' } = options;
  const api = await connect(cli, { mayStart: false });
  const batchId = await getId(api, options.id, 'batch');
  const page = options.html ?? (output === 'html' ? `${batchId}.html` : undefined);
  const path = page === undefined || page === '-' ? undefined : resolve(environment.cwd, page);
  if (path !== undefined) assertOurs(path);
  const report = await gatherReport(api, batchId, {
    // Whoever asks for JSON wants all of it.
    patchBudget: output === 'json' ? { item: Infinity, all: Infinity } : pagePatchBudget,
    onItem: tellProgress(cli),
  });
  if (page === '-') terminal.write(writeHtmlReport(report, environment.command));
  if (path !== undefined) {
    writeResult(path, writeHtmlReport(report, environment.command));
    terminal.note(
      `A report of ${countOf(report.items.length, 'item')}, to be opened in a browser:`,
    );
    if (output === 'html') terminal.line(path);
    else terminal.note(path);
  }
  if (output !== 'html') terminal.write(formatReport(report, output));
  return exitCodes.ok;
}

function formatReport(report: Report, output: 'md' | 'json'): string {
  return output === 'md' ? writeMarkdownReport(report) : `${JSON.stringify(report, null, 2)}\n`;
}

/** A report takes the place of an earlier one, and of nothing else. @throws TARGET_EXISTS */
function assertOurs(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isFile()) throw new AppError('TARGET_EXISTS', `${path} is no file.`);
  if (stat.size > 0 && !readHead(path).includes(reportMark))
    throw new AppError('TARGET_EXISTS', `${path} is there, and is no report.`);
}

/** The beginning of a file, in which a report has its mark. */
function readHead(path: string): string {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(4_096);
    return head.toString('utf8', 0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}

/** Items from which somebody would wonder what takes so long. */
const manyItems = 200;

/** On a terminal a line that counts, every hundredth item. */
function tellProgress({ terminal, options }: Cli): (read: number, total: number) => void {
  const isShown = terminal.stderr.isTTY === true && !options.quiet;
  return (read, total) => {
    if (!isShown || total < manyItems || (read % 100 !== 0 && read !== total)) return;
    terminal.stderr.write(`\rRead ${read} of ${total} items${read === total ? '\n' : ''}`);
  };
}
