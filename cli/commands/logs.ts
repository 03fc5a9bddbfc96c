/** `ado logs`: what programs and models wrote; with -f as it comes. */
import type { Event } from '../../contracts/event.schema.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import type { IdKind } from '../find-id.ts';
import { followEvents, isBatchId } from '../follow.ts';
import { tame } from '../terminal.ts';
import { formatEvent } from '../watch/event-lines.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';

/** The flags of `ado logs`. */
export interface LogsOptions {
  readonly id: string;
  readonly kind: IdKind;
  readonly follow?: true | undefined;
  /** Sequence number after which to begin. */
  readonly after?: number | undefined;
  readonly output: 'text' | 'jsonl';
}

/** Runs the command; answers the exit code. */
export async function logs(cli: Cli, options: LogsOptions): Promise<number> {
  const { terminal } = cli;
  const api = await connect(cli, { mayStart: false });
  const id = await getId(api, options.id, options.kind);
  const follow = options.follow === true;
  if (!isBatchId(id) && !follow && options.after === undefined && options.output === 'text') {
    const text = await api.text('get /v1/tasks/:taskId/logs', { params: { taskId: id } });
    terminal.write(shown(cli, text));
    if (terminal.stdout.isTTY === true && text !== '' && !text.endsWith('\n')) terminal.write('\n');
    return exitCodes.ok;
  }
  const interrupts = listenForInterrupts();
  const signal = interrupts.first;
  const onConnection = (state: 'lost' | 'back', error?: unknown): void =>
    terminal.note(
      state === 'back'
        ? 'Connected again.'
        : `Connection lost: ${error instanceof Error ? error.message : ''} Trying again.`,
    );
  const events = followEvents({ api, id, after: options.after ?? 0, follow, signal, onConnection });
  for await (const event of events) printEvent(cli, event, options.output);
  interrupts.stop();
  return signal.aborted ? exitCodes.interrupted : exitCodes.ok;
}

function printEvent(cli: Cli, event: Event, output: 'text' | 'jsonl'): void {
  const { terminal } = cli;
  if (output === 'jsonl') {
    terminal.line(JSON.stringify(event));
  } else if (event.type === 'output') {
    terminal.write(shown(cli, event.data.text));
  } else if (isBatchId(event.stream)) {
    terminal.line(`${event.at.slice(11, 19)}  ${formatEvent(event, terminal.paint) ?? ''}`);
  } else {
    // A task's own words are on stdout; what happened to it is told beside.
    terminal.note(terminal.notePaint.dim(formatEvent(event, terminal.notePaint) ?? ''));
  }
}

/** In a pipe as it was written; on a terminal without what could steer it. */
function shown({ terminal }: Cli, text: string): string {
  return terminal.stdout.isTTY === true ? tame(text, { keepColors: true }) : text;
}
