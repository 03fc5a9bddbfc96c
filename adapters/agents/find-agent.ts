/** Looks for the programs of agents on this machine, at each use: one may be installed while the worker runs. */
import {
  agentPackages,
  findAgentProgram,
  type AgentPlaces,
  type InstallableAgent,
} from '../../config/agent-programs.ts';
import { AppError } from '../../contracts/errors.ts';
import type { InstalledAgent } from '../ports.ts';

/** Finds an agent's program. @throws AGENT_NOT_INSTALLED */
export function findAgent(agent: InstallableAgent, places: AgentPlaces): Promise<InstalledAgent> {
  const found = findAgentProgram(agent, places);
  if (found !== undefined) return Promise.resolve(found);
  const { command } = agentPackages[agent];
  return Promise.reject(
    new AppError(
      'AGENT_NOT_INSTALLED',
      `The program of ${agent} is neither in ${places.agentsDir} nor as \`${command}\` on PATH of the worker. Install it there: ado agents install ${agent}`,
    ),
  );
}
