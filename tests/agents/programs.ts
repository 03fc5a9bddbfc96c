/** Which of the vendors' programs the tests of agents can run. */
import { findAgentProgram, findAgentsDir, installableAgents } from '../../config/agent-programs.ts';
import type { ProgramAgentKind } from '../../contracts/task.schema.ts';

/** Says out loud which are missing, and answers which are there. `acp` is tried with one that speaks it, gemini. */
export function whichAgents(): (agent: ProgramAgentKind) => boolean {
  const places = { agentsDir: findAgentsDir(process.env), toolPath: '' };
  const missing = installableAgents.filter(
    (agent) => findAgentProgram(agent, places) === undefined,
  );
  if (missing.length > 0) {
    process.stderr.write(
      `tests/agents is skipped for ${missing.join(', ')}: not installed; npm run test:agents installs them.\n`,
    );
  }
  return (agent) => !missing.includes(agent === 'acp' ? 'gemini' : agent);
}
