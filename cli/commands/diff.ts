/** `ado diff`: the whole change of a task as a patch. */
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import { tame } from '../terminal.ts';
import type { Paint } from '../terminal.ts';

/** Runs the command; answers the exit code. */
export async function diff(cli: Cli, word: string): Promise<number> {
  const { terminal } = cli;
  const api = await connect(cli, { mayStart: false });
  const id = await getId(api, word, 'task');
  const patch = await api.text('get /v1/tasks/:taskId/diff', { params: { taskId: id } });
  if (patch === '') terminal.note('No change.');
  // In a pipe byte for byte, so that `git apply` takes it.
  else terminal.write(terminal.stdout.isTTY === true ? paintPatch(patch, terminal.paint) : patch);
  return exitCodes.ok;
}

/** Paints a patch as git does. */
export function paintPatch(patch: string, paint: Paint): string {
  return patch
    .split('\n')
    .map((line) => paintLine(tame(line), paint))
    .join('\n');
}

function paintLine(line: string, paint: Paint): string {
  if (/^(diff |index |--- |\+\+\+ |new file|deleted file|similarity |rename )/.test(line))
    return paint.bold(line);
  if (line.startsWith('@@')) return paint.cyan(line);
  if (line.startsWith('+')) return paint.green(line);
  return line.startsWith('-') ? paint.red(line) : line;
}
