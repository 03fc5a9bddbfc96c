/** `ado retry` and `ado batch retry`: new attempts of what failed. */
import type { FailureClass } from '../../contracts/task-status.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import type { IdKind } from '../find-id.ts';
import { followEvents, isBatchId } from '../follow.ts';
import type { OutputFormat } from '../output.ts';
import { toLine } from '../terminal.ts';
import { countOf } from '../texts.ts';
import { printWaysBack, waitAndConclude, withResult } from '../watch/conclude.ts';
import type { Watched } from '../watch/display.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';
import { printBatch, printTask } from './show.ts';

/** The flags of `ado retry` and `ado batch retry`. */
export interface RetryOptions {
  readonly id: string;
  readonly kind: IdKind;
  readonly only?: readonly FailureClass[] | undefined;
  readonly cancelled?: true | undefined;
  readonly wait?: true | undefined;
  /** Milliseconds. */
  readonly waitTimeout?: number | undefined;
  readonly output: OutputFormat;
}

/** Runs the command; answers the exit code. */
export async function retry(cli: Cli, options: RetryOptions): Promise<number> {
  const interrupts = listenForInterrupts();
  const format = options.output;
  return withResult(
    cli,
    { format: options.wait === true ? format : 'text', interrupts },
    async (accepted) => {
      const api = await connect(cli, { mayStart: true });
      const id = await getId(api, options.id, options.kind);
      // What happened before is not shown again: the wait begins after the last event of earlier attempts.
      const after = options.wait === true ? await findLastSeq(api, id, interrupts.first) : 0;
      const watched = isBatchId(id)
        ? await retryBatch(cli, api, { ...options, id })
        : await retryTask(cli, api, { ...options, id });
      accepted();
      if (options.wait === true) {
        if (format === 'jsonl') cli.terminal.line(JSON.stringify({ type: 'launch', ...watched }));
        return waitAndConclude(cli, api, {
          watched,
          after,
          format,
          timeoutMs: options.waitTimeout,
          interrupts,
        });
      }
      printWaysBack(cli, id);
      return exitCodes.ok;
    },
  );
}

async function findLastSeq(api: ApiClient, id: string, signal: AbortSignal): Promise<number> {
  let last = 0;
  const events = followEvents({
    api,
    id,
    after: 0,
    follow: false,
    signal,
    onConnection: () => undefined,
  });
  for await (const event of events) last = event.seq;
  return last;
}

async function retryTask(cli: Cli, api: ApiClient, options: RetryOptions): Promise<Watched> {
  const task = await api.call('post /v1/tasks/:taskId/retry', { params: { taskId: options.id } });
  cli.terminal.note(`Attempt ${task.attempt} of ${task.id} begins.`);
  if (options.wait !== true && options.output !== 'text')
    await printTask(cli, task, options.output);
  return { id: task.id, title: toLine(task.prompt, 60), parallel: 1, total: 1 };
}

async function retryBatch(cli: Cli, api: ApiClient, options: RetryOptions): Promise<Watched> {
  const body = {
    ...(options.only === undefined ? {} : { only: [...options.only] }),
    ...(options.cancelled === undefined ? {} : { cancelled: true }),
  };
  const batch = await api.call('post /v1/batches/:batchId/retry', {
    params: { batchId: options.id },
    body,
  });
  cli.terminal.note(
    `Retrying ${countOf(batch.retried, 'item')} of ${batch.id}, round ${batch.round}.`,
  );
  if (options.wait !== true && options.output !== 'text') await printBatch(cli, batch, options);
  return { id: batch.id, title: batch.name, parallel: batch.parallel, total: batch.counts.total };
}
