/** The coding agents that are programs of others, put together for one machine. */
import type { AgentPlaces, InstallableAgent } from '../../config/agent-programs.ts';
import type { CodingAgents, InstalledAgent } from '../ports.ts';
import { createAcp } from './acp.ts';
import { createClaudeCode } from './claude-code.ts';
import { createCodex } from './codex.ts';
import { findAgent } from './find-agent.ts';
import { createGemini } from './gemini.ts';

/** Makes the agents. Nothing is looked for before its use. */
export function createCodingAgents(places: AgentPlaces): CodingAgents {
  const finder = (agent: InstallableAgent) => (): Promise<InstalledAgent> =>
    findAgent(agent, places);
  const vendors = {
    'claude-code': createClaudeCode(finder('claude-code')),
    codex: createCodex(finder('codex')),
    gemini: createGemini(finder('gemini')),
  };
  return { ...vendors, acp: createAcp(places, Object.values(vendors)) };
}
