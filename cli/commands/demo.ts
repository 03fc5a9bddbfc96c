/**
 * `ado demo`: the main job on real code, with everything that usually goes wrong. Twenty repositories, one batch of the
 * builtin agent with a scripted model; one item fails its first check and is repaired, one fails for good, and the worker
 * is killed on the way.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Batch } from '../../contracts/batch.schema.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Event } from '../../contracts/event.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { localContext } from '../contexts.ts';
import { connect } from '../connect.ts';
import { demoSize, makeDemoRepositories, type DemoRepository } from '../demo/repositories.ts';
import { checkoutRoot } from '../dev/checkout.ts';
import { findHome } from '../dev/home.ts';
import { platformStatus, type PlatformStatus } from '../dev/status.ts';
import { exitCodes } from '../exit-codes.ts';
import { writePatch } from './diff.ts';
import { writePage } from './report.ts';
import { openDisplay, type Display } from '../watch/display.ts';
import { createIdempotencyKey, printWaysBack } from '../watch/conclude.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';
import { waitForEnd } from '../watch/wait.ts';

/** Items that have ended when the worker is killed. */
const killAfter = 6;
const parallel = 5;

const prompt = `Add a licence line to repository "{{name}}".
The first line of file "{{file}}" has to be a comment with the SPDX identifier of its licence "{{licence}}".`;
const gate = {
  name: 'licence',
  command:
    'node --check "$ADO_VAR_FILE" && head -n 1 "$ADO_VAR_FILE" | grep -q "^// SPDX-License-Identifier: $ADO_VAR_LICENCE\\$"',
};

/** Runs the tour; answers the exit code: 0 when it went as it should. */
export async function runDemo(cli: Cli): Promise<number> {
  const { terminal } = cli;
  const local: Cli = { ...cli, options: { ...cli.options, context: localContext } };
  const home = findHome(cli.environment.variables);
  const checkout = checkoutRoot();
  const interrupts = listenForInterrupts();

  const repositories = await makeDemoRepositories(checkout, join(home, 'demo'));
  terminal.line(`${String(demoSize)} git repositories of real code are in ${join(home, 'demo')}.`);
  const api = await connect(local, { mayStart: true });
  const batch = await submit(api, checkout, repositories);
  terminal.line(
    `One batch over them, ${String(parallel)} at once, each edited and checked by an agent: ${batch.id}`,
  );

  const watched = { id: batch.id, title: batch.name, parallel, total: repositories.length };
  const display = await openDisplay(local, api, { watched, format: 'text' });
  const killing = killWorkerOnTheWay(local, home, display);
  const end = await waitForEnd(api, {
    id: batch.id,
    after: 0,
    display: killing.display,
    interrupts,
    timeoutMs: undefined,
  });
  if (end === 'interrupted') {
    printWaysBack(local, batch.id);
    return exitCodes.interrupted;
  }

  const ended = await api.call('get /v1/batches/:batchId', { params: { batchId: batch.id } });
  const { items } = await api.call('get /v1/batches/:batchId/items', {
    params: { batchId: batch.id },
    query: { limit: 100 },
  });
  await printEnd(local, repositories, { api, items, killed: killing.killed() });
  const page = join(home, 'demo', 'report.html');
  await writePage(local, api, batch.id, page);
  terminal.line(`\nAll of it on one page      ${page}`);
  printAddresses(local, await platformStatus(home));
  const asTold =
    ended.counts.byOutcome.succeeded === demoSize - 1 && ended.counts.byOutcome.failed === 1;
  if (asTold) return exitCodes.ok;
  terminal.alarm(
    `The demo should end with ${String(demoSize - 1)} delivered and 1 failed; see ado batch show ${batch.id}`,
  );
  return exitCodes.failed;
}

async function submit(
  api: ApiClient,
  checkout: string,
  repositories: readonly DemoRepository[],
): Promise<Batch> {
  return await api.call('post /v1/batches', {
    idempotencyKey: createIdempotencyKey(),
    body: {
      name: 'licence lines',
      prompt,
      agent: 'builtin',
      model: `scripted:${join(checkout, 'cli', 'demo', 'model.mjs')}`,
      gates: [gate],
      parallel,
      fresh: true,
      items: repositories.map(({ path, ...variables }) => ({ repository: path, variables })),
    },
  });
}

/** Passes events on, and kills the worker (as `kill -9` does) when enough items have ended. */
function killWorkerOnTheWay(
  cli: Cli,
  home: string,
  display: Display,
): { display: Display; killed: () => boolean } {
  let ended = 0;
  let killed = false;
  const kill = async (): Promise<void> => {
    const worker = (await platformStatus(home)).services.find(
      (service) => service.name === 'worker',
    );
    if (worker?.pid === undefined || worker.pid === null) return;
    process.kill(worker.pid, 'SIGKILL');
    killed = true;
    cli.terminal.note(
      `*** kill -9 ${String(worker.pid)}: the worker is gone. Another one starts; within 15 s it goes on with what was lost. ***`,
    );
  };
  const event = (told: Event): void => {
    display.event(told);
    if (told.type !== 'item-ended') return;
    ended += 1;
    if (ended === killAfter) kill().catch((error: unknown) => cli.terminal.alarm(String(error)));
  };
  return { display: { ...display, event }, killed: () => killed };
}

interface DemoEnd {
  readonly api: ApiClient;
  readonly items: readonly Task[];
  readonly killed: boolean;
}

async function printEnd(
  cli: Cli,
  repositories: readonly DemoRepository[],
  { api, items, killed }: DemoEnd,
): Promise<void> {
  const { terminal } = cli;
  terminal.line('\nBranches in the repositories, one commit for each edit:');
  for (const { name, path } of repositories) {
    const branches = await listBranches(path);
    const item = items.find((task) => task.repository.endsWith(`/${name}`));
    const word =
      item?.outcome === 'succeeded'
        ? branches.join(' ')
        : `none: ${item?.errorCode ?? ''} ${item?.error ?? ''}`;
    terminal.line(`  ${name.padEnd(20)} ${word}`);
  }
  const repaired = items.find((task) => task.repository.endsWith('/cookie'));
  if (repaired === undefined) throw new AppError('INTERNAL', 'the batch lost an item');
  terminal.line('\nThe one that failed its first check and was repaired:');
  writePatch(
    cli,
    await api.text('get /v1/tasks/:taskId/diff', { params: { taskId: repaired.id } }),
  );
  terminal.line(
    killed
      ? '\nThe worker was killed on the way; nothing was lost, and nothing was done twice.'
      : '',
  );
}

async function listBranches(path: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('git', [
    '-C',
    path,
    'branch',
    '--list',
    'ado/*',
    '--format=%(refname:short)',
  ]);
  return stdout.split('\n').filter((line) => line !== '');
}

function printAddresses(cli: Cli, { services }: PlatformStatus): void {
  const urlOf = (name: string): string =>
    services.find((service) => service.name === name)?.url ?? 'not running';
  cli.terminal.line(`API and its documentation  ${urlOf('api')}/docs`);
  cli.terminal.line(`Temporal web UI            ${urlOf('temporal-ui')}`);
  cli.terminal.line(
    'Everything runs on; `./ado dev stop` ends it, `./ado ps` lists what was done.',
  );
}
