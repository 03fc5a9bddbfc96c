/** Coding agents that are programs of others: how one is found, started for a turn, and understood. */
import type { ProgramAgentKind } from '../../contracts/task.schema.ts';
import type { SandboxResult, UncommittedFile } from './workspaces.ts';

/** The wire format in which an agent asks its model. */
export type ModelWire = 'anthropic' | 'openai' | 'google';

/** An agent's program on this machine. */
export interface InstalledAgent {
  readonly version: string;
  /** Program and first arguments, by absolute paths. */
  readonly argv: readonly string[];
  /** Folders that its sandbox has to show beside the system and the toolchains. */
  readonly readable: readonly string[];
}

/** One turn: a prompt, and the conversation that it goes on with. */
export interface AgentTurn {
  readonly prompt: string;
  /** The model's name as its provider knows it. */
  readonly model: string;
  /** Where the agent's calls go: the gateway, as it is reached inside the sandbox, `http://127.0.0.1:<port>`. */
  readonly gatewayUrl: string;
  /** The agent's own name of the conversation, which the files in its home still hold; undefined begins a new one. */
  readonly sessionId: string | undefined;
  /** The work tree; the same path inside. */
  readonly workPath: string;
  /** Command that starts the agent; of `acp` only. */
  readonly exec: string | undefined;
  /** What it is told for good, beside the prompt and the repository's own context files (contracts/agent-instructions.ts). */
  readonly instructions: string;
}

/** How a turn is started. */
export interface AgentLaunch {
  readonly argv: readonly string[];
  /** The whole environment beside what the sandbox sets. No secret is in it: the gateway has the keys. */
  readonly env: Readonly<Record<string, string>>;
  /** What it reads on standard input; else that is closed. */
  readonly input?: string;
  /** Files to write before, by paths relative to the agent's home. */
  readonly homeFiles: Readonly<Record<string, string>>;
}

/** What an agent tells while it works. */
export type AgentEvent =
  | { readonly kind: 'session'; readonly sessionId: string }
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'tool-call';
      readonly callId: string;
      readonly name: string;
      readonly input: unknown;
      /** One line for people. */
      readonly summary: string;
    }
  | {
      readonly kind: 'tool-result';
      readonly callId: string;
      readonly text: string;
      readonly isError: boolean;
    }
  /** An event that this version of the adapter does not know; it is counted, never an error. */
  | { readonly kind: 'unknown'; readonly type: string };

/** How a turn ended, from all that the agent said. */
export interface AgentTurnEnd {
  /** `failed`: by the agent's own word; `died`: its program ended without one. */
  readonly outcome: 'done' | 'failed' | 'died';
  /** The agent's last words; of a turn that is not done what went wrong. */
  readonly text: string;
  readonly sessionId: string | undefined;
  /** Tool calls that the agent was not allowed to make. */
  readonly deniedCalls: readonly string[];
}

/** Reads what an agent writes. */
export interface AgentReader {
  /** Takes a piece of standard output, as it comes; answers the events that it completes. */
  read(text: string): readonly AgentEvent[];
  /** Once the program has ended. */
  end(exit: { readonly exitCode: number | undefined; readonly stderr: string }): AgentTurnEnd;
}

/** Runs a program in the sandboxed work tree. */
export type RunInTree = (run: {
  readonly argv: readonly string[];
  readonly timeoutMs: number;
}) => Promise<Pick<SandboxResult, 'exitCode' | 'stdout' | 'stderr'>>;

/** One kind of agent. */
export interface CodingAgent {
  readonly kind: ProgramAgentKind;
  /** What its calls speak; undefined (`acp`): what the model's provider speaks. */
  readonly wire: ModelWire | undefined;
  /** File in the work tree that the agent takes its instructions from, such as `CLAUDE.md`. */
  readonly contextFile: string;
  /** Looks for the program. @throws AGENT_NOT_INSTALLED with the line that installs it */
  find(): Promise<InstalledAgent>;
  launch(installed: InstalledAgent, turn: AgentTurn): AgentLaunch;
  /**
   * Where the repository has instructions for other agents only, copies them to this one's `contextFile`; a file of the
   * repository is never written to. Answers the copy, for `CommitRequest.exclude`; to be called before each turn.
   */
  shareContext(run: RunInTree): Promise<UncommittedFile | undefined>;
  createReader(): AgentReader;
}

/** The agents that this machine may run. */
export type CodingAgents = Readonly<Record<ProgramAgentKind, CodingAgent>>;
