/** `ado publish`: the kept work of ended tasks goes into its repositories. */
import { codeOf } from '../../contracts/errors.ts';
import type { Published } from '../../contracts/publish.schema.ts';
import { listAll, type ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { getId } from '../find-id.ts';
import { isBatchId } from '../follow.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';

/** The flags of `ado publish`. */
export interface PublishOptions {
  readonly ids: readonly string[];
  readonly pullRequest?: true | undefined;
  readonly target?: string | undefined;
  readonly output: OutputFormat;
}

/** Items of a batch that are published. */
const maxItems = 10_000;

/** Runs the command; answers the exit code. One task that cannot be published does not keep others from it. */
export async function publish(cli: Cli, options: PublishOptions): Promise<number> {
  const { terminal } = cli;
  const api = await connect(cli, { mayStart: false });
  const published: Published[] = [];
  let failed = 0;
  let lastError: unknown;
  const ids = await findTasks(api, options);
  for (const taskId of ids) {
    try {
      // One after the other: each push begins checks at its host, and hosts have limits.
      const one = await publishOne(api, taskId, options);
      published.push(one);
      if (options.output === 'text') terminal.line(describe(one));
    } catch (error) {
      if (ids.length === 1) throw error;
      failed += 1;
      lastError = error;
      const why = error instanceof Error ? error.message : String(error);
      terminal.note(`${taskId}: ${codeOf(error) ?? 'FAILED'}: ${why}`);
    }
  }
  // As text each is told as it is done.
  if (options.output !== 'text') {
    await print(terminal, options.output, {
      value: { items: published },
      rows: published,
      names: published.map(({ branch }) => branch),
      text: () => '',
    });
  }
  if (published.length === 0 && lastError !== undefined) return exitCodes.failed;
  return failed > 0 ? exitCodes.workFailed : exitCodes.ok;
}

function publishOne(
  api: ApiClient,
  taskId: string,
  { pullRequest, target }: Pick<PublishOptions, 'pullRequest' | 'target'>,
): Promise<Published> {
  return api.call('post /v1/tasks/:taskId/publish', {
    params: { taskId },
    body: { pullRequest: pullRequest === true, ...(target === undefined ? {} : { target }) },
  });
}

/** The tasks that are named, and of a batch those that have changed something. */
async function findTasks(api: ApiClient, { ids }: Pick<PublishOptions, 'ids'>): Promise<string[]> {
  const found: string[] = [];
  for (const word of ids) {
    const id = await getId(api, word, 'any');
    if (!isBatchId(id)) {
      found.push(id);
      continue;
    }
    const items = await listAll(maxItems, (query) =>
      api.call('get /v1/batches/:batchId/items', { params: { batchId: id }, query }),
    );
    for (const { id: itemId, commit, outcome } of items)
      if (commit !== undefined && outcome !== undefined) found.push(itemId);
  }
  return [...new Set(found)];
}

function describe({ branch, commit, pullRequestUrl }: Published): string {
  const request = pullRequestUrl === undefined ? '' : `  ${pullRequestUrl}`;
  return `${branch}  ${commit.slice(0, 12)}${request}`;
}
