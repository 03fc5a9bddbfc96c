/** `ado cancel` and `ado batch cancel`. */
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import type { IdKind } from '../find-id.ts';
import type { OutputFormat } from '../output.ts';
import { cancel } from '../watch/conclude.ts';
import { printBatch, printTask } from './show.ts';

/** The flags of `ado cancel`. */
export interface CancelOptions {
  readonly id: string;
  readonly kind: IdKind;
  readonly reason?: string | undefined;
  readonly output: OutputFormat;
}

/** Runs the command; answers the exit code. */
export async function cancelWork(cli: Cli, options: CancelOptions): Promise<number> {
  const api = await connect(cli, { mayStart: false });
  const id = await getId(api, options.id, options.kind);
  const subject = await cancel(api, id, options.reason);
  cli.terminal.note(subject.data.status === 'cancelled' ? `Cancelled ${id}.` : `Cancelling ${id}.`);
  if (options.output === 'text') return exitCodes.ok;
  if (subject.kind === 'task') await printTask(cli, subject.data, options.output);
  else await printBatch(cli, subject.data, options);
  return exitCodes.ok;
}
