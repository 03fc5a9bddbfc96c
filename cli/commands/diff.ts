/** `ado diff`: the whole change of a task as a patch, or what it touches. */
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatDiffStat } from '../patch/diff-stat.ts';
import { paintPatch } from '../patch/paint-patch.ts';
import { readPatch } from '../patch/read-patch.ts';
import type { PatchFile } from '../patch/read-patch.ts';
import { quotePath } from '../reveal.ts';

/** The flags of `ado diff`. */
export interface DiffOptions {
  readonly id: string;
  readonly stat?: true | undefined;
  readonly nameOnly?: true | undefined;
  readonly output: OutputFormat;
}

/** Columns where nobody knows how wide the output is: a pipe. */
const pipeWidth = 80;

/** Runs the command; answers the exit code. */
export async function diff(cli: Cli, options: DiffOptions): Promise<number> {
  const { terminal } = cli;
  const api = await connect(cli, { mayStart: false });
  const taskId = await getId(api, options.id, 'task');
  const patch = await api.text('get /v1/tasks/:taskId/diff', { params: { taskId } });
  if (patch === '') terminal.note('No change.');
  if (options.output === 'text' && options.stat !== true && options.nameOnly !== true) {
    writePatch(cli, patch);
    return exitCodes.ok;
  }
  const files = readPatch(patch);
  const names = files.map((file) => quotePath(file.path));
  const width = terminal.stdout.columns ?? pipeWidth;
  await print(terminal, options.output, {
    value: { taskId, ...sumsOf(files), files: files.map(toRow), patch },
    rows: files.map(toRow),
    names,
    text: () => {
      if (options.nameOnly === true) return names.join('\n');
      return files.length === 0 ? '' : formatDiffStat(files, { paint: terminal.paint, width });
    },
  });
  return exitCodes.ok;
}

/** To people painted and tamed; into a pipe byte for byte, so that `git apply` takes it. */
export function writePatch({ terminal, options }: Cli, patch: string): void {
  const isForPeople = terminal.stdout.isTTY === true || options.color === 'always';
  if (!isForPeople) terminal.write(patch);
  else for (const line of paintPatch(patch, terminal.paint)) terminal.write(line);
}

function sumsOf(files: readonly PatchFile[]) {
  return {
    insertions: files.reduce((sum, file) => sum + file.insertions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
  };
}

/** A file without its lines: those are in the patch. */
function toRow({ lines: _lines, ...file }: PatchFile): Omit<PatchFile, 'lines'> {
  return file;
}
