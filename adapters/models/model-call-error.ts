/** A model call that failed, with what is to be done about it. */
import type { ProviderAccount } from '../../config/providers-config.ts';
import { AppError } from '../../contracts/errors.ts';
import type { LimitReading, ModelCallDecision, ModelCallFailure, TokenUsage } from '../ports.ts';
import { scrub } from './scrub.ts';

/**
 * An error of a provider, decided. It has no cause: the client's own error holds the whole request, and nothing of a
 * prompt may get into a log or a history.
 */
export class ModelCallError extends AppError implements ModelCallFailure {
  readonly decision: ModelCallDecision;
  readonly usageSoFar: TokenUsage | undefined;
  readonly limits: readonly LimitReading[];

  constructor(
    message: string,
    { decision, usageSoFar, limits, nowMs }: ModelCallFailure & { readonly nowMs: number },
  ) {
    super(
      decision.code,
      message,
      decision.untilMs === undefined ? {} : { retryAfterMs: decision.untilMs - nowMs },
    );
    this.decision = decision;
    this.usageSoFar = usageSoFar;
    this.limits = limits;
    // Beside the message only: a logger would print them with every error.
    for (const name of ['usageSoFar', 'limits'] as const)
      Object.defineProperty(this, name, { enumerable: false });
  }
}

/** A failure in words: which account, what happened, and the provider's own sentence where it is safe to be shown. */
export function describeFailure(
  { code, what }: Pick<ModelCallDecision, 'code' | 'what'>,
  said: string,
  from: { readonly account: ProviderAccount; readonly sentCredentials: ReadonlySet<string> },
): string {
  const { name, provider } = from.account;
  const where = `account "${name}" (${provider}): ${what}`;
  // Providers quote the key that they refuse.
  const sentence = code === 'CREDENTIAL_REFUSED' ? '' : scrub(said, from.sentCredentials);
  return sentence === '' ? where : `${where}: ${sentence}`;
}
