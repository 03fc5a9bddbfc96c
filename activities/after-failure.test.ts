import type { CallRoute, ModelCallFailure, UsageEntry } from '../adapters/ports.ts';
import { afterFailure } from './after-failure.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

const usage = {
  inputTokens: 100,
  outputTokens: 3,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  reasoningTokens: 0,
};
const failure: ModelCallFailure = {
  decision: {
    kind: 'overloaded',
    code: 'MODEL_UNAVAILABLE',
    what: 'its answer broke off',
    spent: 'unknown',
    isTold: false,
  },
  usageSoFar: usage,
  limits: [],
};

test('answers of a free account that break off in different attempts are all on record', async () => {
  const recorded: (UsageEntry | undefined)[] = [];
  const nothing = (): undefined => undefined;
  const deps = {
    clock: Date,
    models: {
      findFailure: () => failure,
      costOf: () => Promise.resolve({ costMicroUsd: 0, priceId: 'free' }),
    },
    metrics: { callEnded: nothing, rateLimited: nothing },
  } as unknown as ActivityDeps;
  const route = { name: 'local:m', modelId: 'm', model: { provider: 'x' } } as unknown as CallRoute;
  const breakOff = (fence: number) =>
    afterFailure(
      deps,
      {
        task: { ref: { tenantId: 'tenant' } },
        fence: { number: fence },
        record: (entry: { usage?: UsageEntry }) => {
          recorded.push(entry.usage);
          return Promise.resolve([]);
        },
      } as unknown as TaskSession,
      {
        call: { effectId: 'step', purchase: { number: 0, lost: 0 } },
        route,
        held: undefined,
        callId: undefined,
        error: new Error('cut'),
        at: new Date(),
      } as unknown as Parameters<typeof afterFailure>[2],
    );

  // A worker that died, or a wait, makes the next attempt count its calls from the beginning again.
  await breakOff(1);
  await breakOff(2);

  expect(new Set(recorded.map((entry) => entry?.effectId)).size).toBe(2);
});
