/**
 * Pauses and open breakers that this worker has heard of, so that a fleet that waits for a provider does not ask Redis
 * for every call of it. After a second at most one caller asks Redis again: a breaker may have closed.
 */
import type { Clock, LimitAnswer } from '../ports.ts';

type Refusal = Extract<LimitAnswer, { kind: 'refuse' }>;

const believedMs = 1_000;

/** What is known of the models of all accounts. */
export interface KnownRefusals {
  /** The refusal that still holds, with the wait that is left of it. */
  find(account: string, model: string): Refusal | undefined;
  /** Takes over an answer of Redis; only refusals of a whole model are kept. */
  heard(account: string, model: string, answer: LimitAnswer): void;
  /** Holds a model back until the pause is over, as Redis cannot be told. Never shortens a pause. */
  pause(account: string, model: string, forMs: number): void;
  /** A call of the model succeeded: a breaker that was open may be closed. */
  succeeded(account: string, model: string): void;
  /** The pauses that Redis was not told of and that are not over. They are forgotten here once `told` succeeds. */
  tellPauses(told: (account: string, model: string, forMs: number) => Promise<void>): Promise<void>;
}

/** Knows nothing at first. */
export function createKnownRefusals(clock: Clock): KnownRefusals {
  const known = new Map<
    string,
    { readonly refusal: Refusal; readonly believedUntilMs: number; readonly endMs: number }
  >();
  const untold = new Map<
    string,
    { readonly account: string; readonly model: string; readonly endMs: number }
  >();
  const keyOf = (account: string, model: string): string => `${account} ${model}`;

  return {
    find(account, model) {
      const key = keyOf(account, model);
      const nowMs = clock.now();
      const pauseEndMs = untold.get(key)?.endMs ?? 0;
      if (pauseEndMs > nowMs) return aPause(nowMs, pauseEndMs - nowMs);
      const found = known.get(key);
      if (found === undefined) return undefined;
      if (nowMs < found.believedUntilMs) {
        return { ...found.refusal, waitMs: found.endMs - nowMs, redisTimeUs: nowMs * 1_000 };
      }
      known.delete(key);
      return undefined;
    },
    heard(account, model, answer) {
      if (answer.kind !== 'refuse') return;
      if (answer.reason !== 'paused' && answer.reason !== 'breaker') return;
      const nowMs = clock.now();
      known.set(keyOf(account, model), {
        refusal: answer,
        believedUntilMs: nowMs + Math.min(answer.waitMs, believedMs),
        endMs: nowMs + answer.waitMs,
      });
    },
    pause(account, model, forMs) {
      const key = keyOf(account, model);
      const endMs = clock.now() + forMs;
      if (endMs > (untold.get(key)?.endMs ?? 0)) untold.set(key, { account, model, endMs });
    },
    succeeded(account, model) {
      const key = keyOf(account, model);
      if (known.get(key)?.refusal.reason === 'breaker') known.delete(key);
    },
    async tellPauses(told) {
      for (const [key, { account, model, endMs }] of untold) {
        const leftMs = endMs - clock.now();
        if (leftMs > 0) await told(account, model, leftMs);
        untold.delete(key);
      }
    },
  };
}

function aPause(nowMs: number, waitMs: number): Refusal {
  const where = { scope: undefined, dimension: undefined, redisTimeUs: nowMs * 1_000 };
  return { kind: 'refuse', reason: 'paused', waitMs, ...where };
}
