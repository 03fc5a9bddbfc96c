/** Models, and the tools of the builtin agent. */
import type {
  LanguageModelV4,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
} from '@ai-sdk/provider';
import type { ProviderAccount } from '../../config/providers-config.ts';
import type { AccountCredential } from '../../contracts/activities.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { AccountTest } from '../../contracts/providers.schema.ts';
import type { SandboxResult, SandboxRun } from './workspaces.ts';
import type { Cost } from './money.ts';

/** Tokens of one answer; what the provider did not report is 0. */
export interface TokenUsage {
  /** All input tokens, cached ones too. */
  readonly inputTokens: number;
  /** All output tokens, reasoning too. */
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Of `cacheWriteTokens`, those kept for an hour, which cost more than those kept for five minutes. */
  readonly cacheWriteHourTokens: number;
  readonly reasoningTokens: number;
}

/** What a provider counts, by the words of its headers; `unified_…` are the windows of a subscription, in percent. */
export type LimitDimension =
  | 'requests'
  | 'requests_day'
  | 'tokens'
  | 'tokens_day'
  | 'input_tokens'
  | 'output_tokens'
  | 'unified_5h'
  | 'unified_7d';

/** An account that was considered for a call, and what came of it; the last one of a list answered. */
export interface ConsideredRoute {
  /** `<account>:<model>` */
  readonly route: string;
  /** In a few words: `answered`, `limit requests`, `breaker`, `overloaded`, `no room in task:…`. */
  readonly verdict: string;
}

/** What an answer's headers say about one limit. */
export interface LimitReading {
  readonly dimension: LimitDimension;
  readonly limit: number | undefined;
  readonly remaining: number;
  /** When the limit is wholly free again, in milliseconds since 1970. */
  readonly resetAtMs: number | undefined;
}

/** What to do about a model call that failed. */
export interface ModelCallDecision {
  /**
   * `wait`: the account is to rest until `untilMs`. `overloaded`: it is the provider's trouble, count it in the breaker.
   * `fallback`: another model or account can answer. `money`: the account cannot pay. `final`: nobody can answer this.
   */
  readonly kind: 'wait' | 'overloaded' | 'fallback' | 'money' | 'final';
  readonly code: ErrorCode;
  /** What happened, in a few words of ours; which line of the table decided. */
  readonly what: string;
  /**
   * What the call used up: `nothing` never arrived, `request` was counted but no token was made, `unknown` may have
   * cost tokens.
   */
  readonly spent: 'nothing' | 'request' | 'unknown';
  /** The provider said so, by a status or inside a good one; else no whole answer came, for whatever reason. */
  readonly isTold: boolean;
  /** When it may be tried again, in milliseconds since 1970; always there for `wait`. */
  readonly untilMs?: number;
  /** The limit that was hit, where the provider says so. */
  readonly dimension?: LimitDimension;
}

/** A failed model call: what to do, and what was used until then. */
export interface ModelCallFailure {
  readonly decision: ModelCallDecision;
  /** What the provider had reported when the answer broke off; undefined when it had reported nothing. */
  readonly usageSoFar: TokenUsage | undefined;
  /** What the headers of the answer said about limits. */
  readonly limits: readonly LimitReading[];
}

/** What the cost of an answer depends on. */
export interface PaidAnswer {
  readonly usage: TokenUsage;
  /** The model that answered, where the provider says so. */
  readonly servedModel: string | undefined;
  /** The tier that served the answer, by the provider's word. */
  readonly serviceTier: string | undefined;
  readonly at: Date;
}

/** How a question is put to a route. */
export interface Question {
  /** Longest answer; undefined: as long as the server likes. */
  readonly maxOutputTokens: number | undefined;
  readonly signal: AbortSignal;
  /** Told what the answer's headers say, as soon as they are there. */
  readonly onHeaders: (headers: Readonly<Record<string, string>>) => void;
  /** Told of the answer's first piece. */
  readonly onBegin: () => void;
}

/** What the books need to know of a whole answer. */
export interface AnswerFacts {
  readonly usage: TokenUsage;
  /** The provider's id of the answer. */
  readonly responseId: string | undefined;
  /** The model that answered, where the provider says so: an alias, or a gateway's route, may have led elsewhere. */
  readonly servedModel: string | undefined;
  /** The tier that served the answer, by the provider's word: it decides the price. */
  readonly serviceTier: string | undefined;
}

/** One way to have a call answered. */
export interface CallRoute {
  /** `<account>:<model>`, or `scripted:<path>`. */
  readonly name: string;
  /** Undefined for a scripted model: nothing of it is limited. */
  readonly account: ProviderAccount | undefined;
  readonly modelId: string;
  /**
   * Calls of it fail with an `AppError` that `findFailure` explains, and never wait or repeat anything by themselves.
   */
  readonly model: LanguageModelV4;
  /** Whether calls cost nothing, whatever they ask: paid by the month, or not at all. */
  readonly isFree: boolean;
  /** Tokens of the longest conversation, where that is known. */
  readonly contextTokens: number | undefined;
}

/** A call to come. */
export interface ExpectedCall {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly at: Date;
}

/** Where models come from. The loop knows the interface only, not who answers. */
export interface ModelProvider {
  /**
   * Who can answer for `<account or provider>:<model>`, several of them with commas between, or `scripted:<path>`: by
   * access (subscription, free, api), then as they are named, then by the accounts' priority.
   * @throws MODEL_NOT_FOUND · SCRIPT_INVALID
   */
  routesOf(name: string): Promise<readonly [CallRoute, ...CallRoute[]]>;
  /** What is to be done about an error of a model call; undefined for errors that no provider made. */
  findFailure(error: unknown): ModelCallFailure | undefined;
  /** What an answer's headers, just come, say about limits. */
  readLimits(headers: Readonly<Record<string, string>>): readonly LimitReading[];
  /** Whether the model costs nothing, whatever it is asked. `routesOf` was asked for it before. */
  isFree(name: string): boolean;
  /** What an answer costs. @throws STORE_UNAVAILABLE when prices cannot be read */
  costOf(tenantId: string, route: CallRoute, answer: PaidAnswer): Promise<Omit<Cost, 'unpriced'>>;
  /**
   * What a call costs at most that sends and gets so many tokens, none of them cached.
   * @throws PRICE_UNKNOWN · STORE_UNAVAILABLE
   */
  estimateCost(tenantId: string, route: CallRoute, call: ExpectedCall): Promise<number>;
  /** Told once a conversation has succeeded; a scripted model throws SCRIPT_MISMATCH when answers are left over. */
  conversationEnded(name: string, messages: readonly LanguageModelV4Message[]): Promise<void>;
}

/** Looks at accounts, where their calls are made. Nothing is bought; what goes wrong is part of the answer. */
export interface AccountTester {
  /** Asks the account's provider for its list of models, once, within 15 s. */
  test(account: string): Promise<AccountTest>;
  /** Where the credential of each account stands. */
  listCredentials(): Promise<readonly AccountCredential[]>;
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
