/** The end of a tour: the branches that there are now, the change that was repaired, the page about all of it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AppError } from '../../contracts/errors.ts';
import type { Task } from '../../contracts/task.schema.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { writePatch } from '../commands/diff.ts';
import { writePage } from '../commands/report.ts';
import { toLine } from '../terminal.ts';
import type { DemoRepository } from './repositories.ts';

/** What a tour has come to. */
export interface TourEnd {
  readonly api: ApiClient;
  readonly batchId: string;
  readonly repositories: readonly DemoRepository[];
  readonly killed: boolean;
  /** Where the page is written. */
  readonly page: string;
}

/** Tells the end of a tour; answers its items. */
export async function tellEnd(cli: Cli, end: TourEnd): Promise<readonly Task[]> {
  const { terminal } = cli;
  const { api, batchId, killed, page } = end;
  const { items } = await api.call('get /v1/batches/:batchId/items', {
    params: { batchId },
    query: { limit: 100 },
  });
  await tellBranches(cli, end.repositories, items);
  const repaired = items.find((task) => task.repository.endsWith('/cookie'));
  if (repaired === undefined) throw new AppError('INTERNAL', 'the batch lost an item');
  terminal.line('\nThe one that failed its first check and was repaired:');
  const params = { taskId: repaired.id };
  writePatch(cli, await api.text('get /v1/tasks/:taskId/diff', { params }));
  if (killed)
    terminal.line(
      '\nThe worker was killed on the way; nothing was lost, and nothing was done twice.',
    );
  await writePage(cli, api, { batchId, path: page });
  terminal.line(`\nAll of it on one page      ${page}`);
  return items;
}

async function tellBranches(
  { terminal }: Cli,
  repositories: readonly DemoRepository[],
  items: readonly Task[],
): Promise<void> {
  terminal.line('\nBranches in the repositories, one commit for each edit:');
  for (const { name, path } of repositories) {
    const branches = await listBranches(path);
    const item = items.find((task) => task.repository.endsWith(`/${name}`));
    const word =
      item?.outcome === 'succeeded'
        ? branches.join(' ')
        : toLine(`none: ${item?.errorCode ?? ''} ${item?.error ?? ''}`, 100);
    terminal.line(`  ${name.padEnd(20)} ${word}`);
  }
}

async function listBranches(path: string): Promise<string[]> {
  const words = ['-C', path, 'branch', '--list', 'ado/*', '--format=%(refname:short)'];
  const { stdout } = await promisify(execFile)('git', words);
  return stdout.split('\n').filter((line) => line !== '');
}
