/**
 * `ado demo`: the main job on real code, with everything that usually goes wrong. Twenty repositories, one batch of the
 * builtin agent with a scripted model; one item fails its first check and is repaired, one fails for good, and the worker
 * is killed on the way. With `--agent` a vendor's program does the work: cli/demo/agent-tour.ts.
 */
import { join } from 'node:path';
import type { InstallableAgent } from '../../config/agent-programs.ts';
import type { Batch } from '../../contracts/batch.schema.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { localContext } from '../contexts.ts';
import { connect } from '../connect.ts';
import { killWorkerOnTheWay } from '../demo/kill-worker.ts';
import { demoSize, makeDemoRepositories, type DemoRepository } from '../demo/repositories.ts';
import { demoGate, demoPrompt } from '../demo/request.ts';
import { tellEnd } from '../demo/tell-end.ts';
import { checkoutRoot } from '../dev/checkout.ts';
import { findHome } from '../dev/home.ts';
import { platformStatus, type PlatformStatus } from '../dev/status.ts';
import { exitCodes } from '../exit-codes.ts';
import { openDisplay } from '../watch/display.ts';
import { createIdempotencyKey, printWaysBack } from '../watch/conclude.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';
import { waitForEnd } from '../watch/wait.ts';

/** Items that have ended when the worker is killed. */
const killAfter = 6;
const parallel = 5;

/** Runs the tour; answers the exit code: 0 when it went as it should. */
export async function runDemo(
  cli: Cli,
  { agent }: { readonly agent?: InstallableAgent | undefined } = {},
): Promise<number> {
  if (agent !== undefined) return (await import('../demo/agent-tour.ts')).runAgentTour(cli, agent);
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
  const { display, killed } = killWorkerOnTheWay(
    local,
    await openDisplay(local, api, { watched, format: 'text' }),
    { home, afterItems: killAfter },
  );
  const patience = { after: 0, interrupts, timeoutMs: undefined };
  const end = await waitForEnd(api, { id: batch.id, display, ...patience });
  if (end === 'interrupted') {
    printWaysBack(local, batch.id);
    return exitCodes.interrupted;
  }

  const page = join(home, 'demo', 'report.html');
  await tellEnd(local, { api, batchId: batch.id, repositories, killed: killed(), page });
  printAddresses(local, await platformStatus(home));
  const { counts } = await api.call('get /v1/batches/:batchId', { params: { batchId: batch.id } });
  if (counts.byOutcome.succeeded === demoSize - 1 && counts.byOutcome.failed === 1)
    return exitCodes.ok;
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
      prompt: demoPrompt,
      agent: 'builtin',
      model: `scripted:${join(checkout, 'cli', 'demo', 'model.mjs')}`,
      gates: [demoGate],
      parallel,
      fresh: true,
      items: repositories.map(({ path, ...variables }) => ({ repository: path, variables })),
    },
  });
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
