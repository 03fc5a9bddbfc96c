/** What a provider says is left of its limits, taken over where it is less than what is known. */
import type {
  CallRoute,
  Charges,
  LimitDimension,
  LimitReading,
  LimitScope,
} from '../adapters/ports.ts';
import type { ActivityDeps } from './deps.ts';

/** Below this part of a limit it matters; above it, a look would cost more than it tells. */
const tellingShare = 0.5;

/** The limits that a reading may be about: what they count, and over how long. */
const meanings: Readonly<
  Record<LimitDimension, { readonly charges: readonly (keyof Charges)[]; readonly per: string }>
> = {
  requests: { charges: ['requests'], per: 'minute' },
  requests_day: { charges: ['requests'], per: 'day' },
  tokens: { charges: ['total', 'max_tokens'], per: 'minute' },
  tokens_day: { charges: ['total'], per: 'day' },
  input_tokens: { charges: ['uncached_input', 'input'], per: 'minute' },
  output_tokens: { charges: ['output_actual', 'max_tokens'], per: 'minute' },
  unified_5h: { charges: ['requests', 'input', 'total', 'output_actual', 'micro_usd'], per: '5h' },
  unified_7d: {
    charges: ['requests', 'input', 'total', 'output_actual', 'micro_usd'],
    per: '168h',
  },
};

const windowsOfPlans: Readonly<Partial<Record<LimitDimension, '5h' | '7d'>>> = {
  unified_5h: '5h',
  unified_7d: '7d',
};

/**
 * Tells the limiter. In the background: a call does not wait for it, and what is lost comes again with the next answer.
 * Windows of a subscription are told as a share, and count as that share of the limit that is configured.
 */
export function applyReadings(
  deps: Pick<ActivityDeps, 'limiter' | 'limitScopes' | 'clock' | 'metrics'>,
  { account, modelId }: CallRoute,
  { tenantId, readings }: { readonly tenantId: string; readonly readings: readonly LimitReading[] },
): void {
  if (account === undefined) return;
  for (const { dimension, remaining } of readings) {
    const window = windowsOfPlans[dimension];
    if (window !== undefined) {
      const usedShare = 1 - remaining / 100;
      deps.metrics.subscriptionStands({ account: account.name, window, usedShare });
    }
  }
  const telling = readings.filter(
    ({ limit, remaining }) => limit !== undefined && remaining < limit * tellingShare,
  );
  if (telling.length === 0) return;
  const scopes = deps.limitScopes(account, modelId, tenantId);
  for (const reading of telling) {
    for (const { scope, dimension, limit } of dimensionsOf(scopes, reading)) {
      const isShare = reading.dimension.startsWith('unified');
      const remaining = isShare ? (limit * reading.remaining) / 100 : reading.remaining;
      const resetInMs =
        reading.resetAtMs === undefined ? undefined : reading.resetAtMs - deps.clock.now();
      const told = { scope, dimension, remaining, ...(resetInMs !== undefined && { resetInMs }) };
      deps.limiter.sync(account.name, told).catch(() => undefined);
    }
  }
}

/** The limits that a reading is about: of the model where it has its own, else of the account. */
function dimensionsOf(scopes: readonly LimitScope[], { dimension: word }: LimitReading) {
  const { charges, per } = meanings[word];
  const fitting = scopes
    .filter(({ share = false }) => !share)
    .flatMap((scope) =>
      scope.dimensions
        .filter(
          ({ charge, name }) => charges.includes(charge) && name.split(' a ')[1]?.startsWith(per),
        )
        .map(({ name, charge, limit }) => ({ scope, dimension: name, charge, limit })),
    );
  const ofModel = fitting.filter(({ scope }) => scope.name.startsWith('model:'));
  const [first] = ofModel.length > 0 ? ofModel : fitting;
  return fitting.filter(({ charge }) => charge === first?.charge);
}
