/** `ado agents`: which coding agents can work on this machine, and how the missing ones get here. */
import { join } from 'node:path';
import {
  agentPackages,
  findAgentsDir,
  installableAgents,
  type InstallableAgent,
} from '../../config/agent-programs.ts';
import { loadProviderAccounts, type ProviderAccount } from '../../config/providers-config.ts';
import { findCredentialProblem } from '../../config/read-credential.ts';
import type { AgentKind } from '../../contracts/task.schema.ts';
import type { Cli } from '../cli.ts';
import { findHome } from '../dev/home.ts';
import { findAgentHere, installAgent } from '../dev/programs/agents.ts';
import { Reporter } from '../dev/progress.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { formatTable } from '../table.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';

/** What is known of one agent here. */
interface AgentRow {
  readonly agent: AgentKind;
  readonly installed: boolean;
  /** undefined of agents that are no program of their own. */
  readonly version: string | undefined;
  readonly place: string | undefined;
  /** The version that ado is tested with. */
  readonly testedVersion: string | undefined;
  /** Whose models it works with. */
  readonly models: string;
  /** Accounts of this machine's providers.yaml that it can work with, those without a credential left out. */
  readonly accounts: readonly string[];
  /** What to do before it can work; empty when nothing. */
  readonly todo: string;
}

/** Lists the agents; answers the exit code. */
export async function listAgents(
  cli: Cli,
  { output }: { readonly output: OutputFormat },
): Promise<number> {
  const rows = agentsHere(cli);
  const { paint } = cli.terminal;
  await print(cli.terminal, output, {
    value: { agentsDir: findAgentsDir(cli.environment.variables), agents: rows },
    rows,
    names: rows.filter(({ installed }) => installed).map(({ agent }) => agent),
    text: () =>
      formatTable(
        paint,
        ['AGENT', 'VERSION', 'MODELS', 'ACCOUNTS', 'PLACE', 'TO DO'],
        rows.map(({ agent, version, models, accounts, place, installed, todo }) => [
          agent,
          installed ? (version ?? 'built in') : paint.red('missing'),
          models,
          accounts.join(' ') || '-',
          place ?? '-',
          todo,
        ]),
      ),
  });
  return exitCodes.ok;
}

function agentsHere(cli: Cli): readonly AgentRow[] {
  const { variables } = cli.environment;
  const usable = accountsHere(variables).filter(
    (account) => findCredentialProblem(account, variables) === undefined,
  );
  const builtIn = { installed: true, version: undefined, place: undefined } as const;
  const all = usable.map(({ name }) => name);
  return [
    {
      agent: 'builtin',
      ...builtIn,
      testedVersion: undefined,
      models: 'all',
      accounts: all,
      todo: '',
    },
    ...installableAgents.map((agent) => programHere(cli, agent, usable)),
    {
      agent: 'acp',
      ...builtIn,
      testedVersion: undefined,
      models: "its own provider's",
      accounts: all,
      todo: '',
    },
    {
      agent: 'command',
      ...builtIn,
      testedVersion: undefined,
      models: 'none',
      accounts: [],
      todo: '',
    },
  ];
}

function programHere(
  cli: Cli,
  agent: InstallableAgent,
  usable: readonly ProviderAccount[],
): AgentRow {
  const { provider, version: testedVersion } = agentPackages[agent];
  const found = findAgentHere(agent, cli.environment.variables);
  const accounts = usable.filter((account) => account.provider === provider);
  const { command } = cli.environment;
  const todo = [
    found === undefined ? `${command} agents install ${agent}` : undefined,
    accounts.length === 0 ? `an account of ${provider} in providers.yaml` : undefined,
  ];
  return {
    agent,
    installed: found !== undefined,
    version: found?.version,
    place: found?.place,
    testedVersion,
    models: provider,
    accounts: accounts.map(({ name }) => name),
    todo: todo.filter((part) => part !== undefined).join('; '),
  };
}

/** The accounts of a worker that is started on this machine. @throws FILE_INVALID */
function accountsHere(variables: NodeJS.ProcessEnv): readonly ProviderAccount[] {
  const named = variables['ADO_PROVIDERS_FILE'];
  const isNamed = named !== undefined && named !== '';
  const path = isNamed ? named : join(findHome(variables), 'providers.yaml');
  return loadProviderAccounts({ path, required: isNamed }, variables);
}

/** Installs agents at the versions that ado is tested with; answers the exit code. @throws PROGRAM_MISSING */
export async function installAgents(
  cli: Cli,
  agents: readonly InstallableAgent[],
): Promise<number> {
  const { terminal } = cli;
  const interrupts = listenForInterrupts();
  const reporter = new Reporter(terminal.stderr);
  try {
    for (const agent of agents) {
      const env = cli.environment.variables;
      const { version, place } = await installAgent(agent, {
        env,
        reporter,
        signal: interrupts.first,
      });
      terminal.line(`${agent} ${version} is installed in ${place}`);
    }
  } finally {
    interrupts.stop();
  }
  return exitCodes.ok;
}
