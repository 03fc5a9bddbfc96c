/** The gauges of limits and breakers: a look at Redis when metrics are read, but not more often than every few seconds. */
import type { ProviderAccount } from '../../config/providers-config.ts';
import type { LimitLooks } from '../models/limit-looks.ts';
import type { Clock } from '../ports.ts';
import type { ModelMetrics } from './model-metrics.ts';

/** A scraper asks every 15 s or so; several of them, or a person who reloads, share a look. */
const looksEveryMs = 5_000;

/** What the gauges are read from and written to. */
export interface LimitGaugesOptions {
  readonly accounts: readonly ProviderAccount[];
  readonly lookAt: LimitLooks;
  readonly metrics: Pick<ModelMetrics, 'limitsSeen' | 'listAskedModels'>;
  readonly clock: Clock;
}

/**
 * Makes the look: of every account, the models that it lists and those that this process has asked. The gauges of an
 * account that cannot be looked at go away with all others: an old figure would be taken for today's.
 */
export function createLimitGauges(options: LimitGaugesOptions): () => Promise<void> {
  const { accounts, lookAt, metrics, clock } = options;
  let lookedAtMs = -Infinity;
  return async () => {
    if (clock.now() - lookedAtMs < looksEveryMs) return;
    lookedAtMs = clock.now();
    try {
      const seen = await Promise.all(
        accounts.map((account) => {
          const asked = metrics.listAskedModels(account.name);
          return lookAt({ account, models: [...new Set([...(account.models ?? []), ...asked])] });
        }),
      );
      metrics.limitsSeen(seen.flat());
    } catch {
      metrics.limitsSeen([]);
    }
  };
}
