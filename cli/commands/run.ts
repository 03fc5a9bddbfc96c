/** `ado run`: submits a task or a batch, and waits for its end unless told not to. */
import { shortId } from '../../contracts/names.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { confirmCost } from '../confirm-cost.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { nameSources } from '../targets/name-sources.ts';
import { toLine } from '../terminal.ts';
import { tryAgain } from '../try-again.ts';
import {
  createIdempotencyKey,
  printWaysBack,
  waitAndConclude,
  withResult,
} from '../watch/conclude.ts';
import type { Subject } from '../watch/conclude.ts';
import type { Watched } from '../watch/display.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';
import { buildRequest } from '../work-request.ts';
import type { WorkOptions, WorkRequest } from '../work-request.ts';

/** The flags of `ado run`. */
export interface RunOptions extends WorkOptions {
  readonly detach?: true | undefined;
  /** Milliseconds. */
  readonly waitTimeout?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Whatever it may cost, up to its limit. */
  readonly yes?: true | undefined;
  readonly output: OutputFormat;
}

/** For how long a submission is repeated when the server does not answer; the key makes that safe. */
const submitAgainMs = 15_000;

/** Runs the command; answers the exit code. */
export async function run(
  cli: Cli,
  words: readonly string[],
  options: RunOptions,
): Promise<number> {
  const interrupts = listenForInterrupts();
  const format = options.output;
  return withResult(cli, { format, interrupts }, async (accepted) => {
    const asked = await buildRequest(cli, words, options);
    const api = await connect(cli, { mayStart: true });
    const request = await confirmCost(cli, api, { request: asked, yes: options.yes === true });
    if (request === undefined) return refused(cli, format);
    const subject = await submit(cli, api, {
      request,
      key: options.idempotencyKey ?? createIdempotencyKey(),
    });
    accepted();
    const watched = toWatched(subject);
    if (format === 'jsonl') cli.terminal.line(JSON.stringify(launchLine(subject, watched)));
    else cli.terminal.note(`Accepted ${watched.id}.`);
    if (options.detach === true) return printDetached(cli, subject, format);
    return waitAndConclude(cli, api, {
      watched,
      after: 0,
      format,
      timeoutMs: options.waitTimeout,
      interrupts,
    });
  });
}

/** Somebody said no to the cost. */
function refused(cli: Cli, format: OutputFormat): number {
  cli.terminal.alarm('Nothing was sent.');
  const exitCode = exitCodes.limit;
  if (format === 'jsonl') cli.terminal.line(JSON.stringify({ type: 'result', exitCode }));
  return exitCode;
}

async function submit(
  cli: Cli,
  api: ApiClient,
  { request, key }: { readonly request: WorkRequest; readonly key: string },
): Promise<Subject> {
  cli.terminal.detail(`Idempotency-Key ${key}`);
  const onRepeat = (error: unknown): void =>
    cli.terminal.note(
      `${error instanceof Error ? error.message : 'No answer.'} Trying again with the same Idempotency-Key.`,
    );
  try {
    return await tryAgain(
      async () =>
        request.kind === 'task'
          ? {
              kind: 'task',
              data: await api.call('post /v1/tasks', { body: request.body, idempotencyKey: key }),
            }
          : {
              kind: 'batch',
              data: await api.call('post /v1/batches', { body: request.body, idempotencyKey: key }),
            },
      { forMs: submitAgainMs, onRepeat },
    );
  } catch (error) {
    throw request.kind === 'batch' ? nameSources(error, request.targets) : error;
  }
}

function toWatched({ kind, data }: Subject): Watched {
  return kind === 'batch'
    ? { id: data.id, title: data.name, parallel: data.parallel, total: data.counts.total }
    : { id: data.id, title: toLine(data.prompt, 60), parallel: 1, total: 1 };
}

function launchLine({ kind, data }: Subject, { id, parallel, total }: Watched): object {
  return {
    type: 'launch',
    kind,
    id,
    total,
    parallel,
    agent: data.agent,
    createdAt: data.createdAt,
  };
}

async function printDetached(cli: Cli, subject: Subject, format: OutputFormat): Promise<number> {
  if (format !== 'jsonl') {
    await print(cli.terminal, format, {
      value: subject.data,
      names: [subject.data.id],
      text: () => subject.data.id,
    });
  }
  cli.terminal.detail(`Short id ${shortId(subject.data.id)}`);
  printWaysBack(cli, subject.data.id);
  return exitCodes.ok;
}
