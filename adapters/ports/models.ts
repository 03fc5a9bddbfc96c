/** Models, and the tools of the builtin agent. */
import type {
  LanguageModelV4,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
} from '@ai-sdk/provider';
import type { SandboxResult, SandboxRun } from './workspaces.ts';
import type { UsageEntry } from './journal.ts';

/** Where models come from. The loop knows the interface only, not who answers. */
export interface ModelProvider {
  /** The model of a name `<provider>:<model>`. @throws MODEL_NOT_FOUND · SCRIPT_INVALID */
  languageModel(name: string): Promise<LanguageModelV4>;
  /** Price of a model's usage in micro-US-dollars. */
  costOf(
    name: string,
    usage: Omit<UsageEntry, 'costMicroUsd' | 'effectId' | 'provider' | 'model' | 'requestId'>,
  ): number;
  /** Told once a conversation has succeeded; a scripted model throws SCRIPT_MISMATCH when answers are left over. */
  conversationEnded(name: string, messages: readonly LanguageModelV4Message[]): Promise<void>;
}

/** The tools of the builtin agent. All of them act inside the sandbox. */
export interface AgentTools {
  readonly definitions: readonly LanguageModelV4FunctionTool[];
  /** Runs one call; bad arguments and failing programs are answers for the model, not errors. */
  execute(
    call: { readonly toolName: string; readonly input: unknown },
    world: {
      readonly run: (
        run: Pick<SandboxRun, 'argv' | 'input' | 'onOutput'> & { readonly timeoutMs?: number },
      ) => Promise<SandboxResult>;
    },
  ): Promise<{ readonly text: string; readonly isError: boolean }>;
}
