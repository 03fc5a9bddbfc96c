/**
 * `ado demo --agent …`: a vendor's real program does the work, its model played by the emulator in this process: no key, no
 * account, no cost. The platform is one of its own, because its providers.yaml names the emulator; it ends with the tour.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentPackages, type InstallableAgent } from '../../config/agent-programs.ts';
import type { Batch } from '../../contracts/batch.schema.ts';
import { AppError } from '../../contracts/errors.ts';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { localContext } from '../contexts.ts';
import { connect } from '../connect.ts';
import { checkoutRoot } from '../dev/checkout.ts';
import { findHome } from '../dev/home.ts';
import { stopPlatform } from '../dev/platform.ts';
import { findAgentHere } from '../dev/programs/agents.ts';
import { agentWires } from '../emulator/agent-wires.ts';
import { startEmulator } from '../emulator/emulator.ts';
import { exitCodes } from '../exit-codes.ts';
import { createIdempotencyKey } from '../watch/conclude.ts';
import { openDisplay } from '../watch/display.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';
import type { Interrupts } from '../watch/interrupts.ts';
import { waitForEnd } from '../watch/wait.ts';
import { writeAgentScript } from './agent-script.ts';
import { killWorkerOnTheWay } from './kill-worker.ts';
import { makeDemoRepositories, type DemoRepository } from './repositories.ts';
import { demoGate, demoPrompt } from './request.ts';
import { tellEnd } from './tell-end.ts';

/** A turn of a vendor's program takes a second of processor time and more: a tour of six is one that is watched to its end. */
const tourSize = 6;
const parallel = 3;
const killAfter = 2;
/** Far more than the emulator bills; it says yes in advance, so that nobody is asked. */
const maxCostMicroUsd = 5_000_000;
const account = 'emulated';
const keyVariable = 'ADO_DEMO_KEY';

/** Runs the tour; answers the exit code: 0 when it went as it should. @throws AGENT_NOT_INSTALLED */
export async function runAgentTour(cli: Cli, agent: InstallableAgent): Promise<number> {
  const { terminal, environment } = cli;
  const program = findAgentHere(agent, environment.variables);
  if (program === undefined) throw notInstalled(agent, environment.command);
  const home = join(findHome(environment.variables), 'agent-demo');
  const interrupts = listenForInterrupts();
  // What an interrupted tour has left asks an emulator that is gone.
  await stopPlatform(home);
  const repositories = await makeDemoRepositories(checkoutRoot(), join(home, 'repositories'), {
    size: tourSize,
    without: ['vary'],
  });
  const script = writeAgentScript(agent, repositories);
  const emulator = await startEmulator({ port: 0, script });
  try {
    terminal.line(`${agent} ${program.version} is in ${program.place}.`);
    terminal.line(
      `Its model is played by the emulator at ${emulator.url}: no key, and money in the books only.`,
    );
    const local = withProvider(cli, agent, { home, url: emulator.url });
    const code = await runTour(local, agent, { home, repositories, interrupts });
    const { calls } = await emulator.counts();
    terminal.line(`Calls of models            ${calls}, through ado's limits, budget and books`);
    return code;
  } finally {
    interrupts.stop();
    await stopPlatform(home);
    await emulator.close();
  }
}

function notInstalled(agent: InstallableAgent, command: string): AppError {
  const error = new AppError('AGENT_NOT_INSTALLED', `${agent} is not installed on this machine.`);
  const { sizeMb } = agentPackages[agent];
  const remedy = `${command} agents install ${agent} brings it here (${sizeMb} MB from npm).`;
  return Object.assign(error, { remedy });
}

/** The call of the command line as it is with the tour's own platform and provider. */
function withProvider(
  cli: Cli,
  agent: InstallableAgent,
  { home, url }: { readonly home: string; readonly url: string },
): Cli {
  const { provider } = agentPackages[agent];
  const file = join(home, 'providers.yaml');
  const entry = {
    ...{ name: account, provider, access: 'api', credential: { env: keyVariable } },
    baseUrl: url + agentWires[agent].basePath,
  };
  mkdirSync(home, { recursive: true, mode: 0o700 });
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ accounts: [entry] }));
  const own = { ADO_HOME: home, ADO_PROVIDERS_FILE: file, [keyVariable]: 'sk-demo' };
  const variables = { ...cli.environment.variables, ...own };
  return {
    ...cli,
    options: { ...cli.options, context: localContext },
    environment: { ...cli.environment, variables },
  };
}

interface Tour {
  readonly home: string;
  readonly repositories: readonly DemoRepository[];
  readonly interrupts: Interrupts;
}

async function runTour(
  cli: Cli,
  agent: InstallableAgent,
  { home, repositories, interrupts }: Tour,
): Promise<number> {
  const { terminal } = cli;
  const api = await connect(cli, { mayStart: true });
  const batch = await submit(api, agent, repositories);
  terminal.line(
    `One batch over ${repositories.length} repositories of real code, ${parallel} at once: ${batch.id}`,
  );
  const watched = { id: batch.id, title: batch.name, parallel, total: repositories.length };
  const { display, killed } = killWorkerOnTheWay(
    cli,
    await openDisplay(cli, api, { watched, format: 'text' }),
    { home, afterItems: killAfter },
  );
  const patience = { after: 0, interrupts, timeoutMs: undefined };
  const end = await waitForEnd(api, { id: batch.id, display, ...patience });
  if (end === 'interrupted') {
    terminal.alarm('Interrupted; the tour ends, and its platform with it.');
    return exitCodes.interrupted;
  }
  const page = join(home, 'repositories', 'report.html');
  const items = await tellEnd(cli, {
    ...{ api, batchId: batch.id, repositories, page },
    killed: killed(),
  });
  terminal.line(`The repositories           ${join(home, 'repositories')}`);
  if (items.every((item) => item.outcome === 'succeeded')) return exitCodes.ok;
  terminal.alarm('All items of the tour should have succeeded; the page says what went wrong.');
  return exitCodes.failed;
}

async function submit(
  api: ApiClient,
  agent: InstallableAgent,
  repositories: readonly DemoRepository[],
): Promise<Batch> {
  return await api.call('post /v1/batches', {
    idempotencyKey: createIdempotencyKey(),
    body: {
      ...{ name: `licence lines by ${agent}`, prompt: demoPrompt, agent, parallel, fresh: true },
      ...{ model: `${account}:${agentWires[agent].model}`, gates: [demoGate], maxCostMicroUsd },
      items: repositories.map(({ path, ...variables }) => ({ repository: path, variables })),
    },
  });
}
