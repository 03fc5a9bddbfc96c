import type { Actor, PriceOverride } from '../../../adapters/ports.ts';
import { createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
});

function anOverride(changes: Partial<PriceOverride> = {}): PriceOverride {
  return {
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    serviceTier: 'standard',
    effectiveFrom: new Date('2026-01-01T00:00:00Z'),
    rates: { input: 3_000_000, cacheRead: 0, output: 15_000_000 },
    contextTiers: [],
    source: 'contract',
    ...changes,
  };
}

test('a price is given back as it was recorded: 0 is a price, and what is missing is none', async () => {
  const override = anOverride({
    contextTiers: [{ aboveInputTokens: 200_000, rates: { input: 6_000_000 } }],
  });

  await world.prices.record(actor.tenantId, override);

  expect(await world.prices.list(actor.tenantId)).toEqual([
    {
      ...override,
      id: expect.any(Number),
      rates: {
        input: 3_000_000,
        cacheRead: 0,
        cacheWrite5m: undefined,
        cacheWrite1h: undefined,
        output: 15_000_000,
        reasoning: undefined,
      },
    },
  ]);
});

test('prices come the latest first, and of one day the one recorded last', async () => {
  const from = (effectiveFrom: Date, source: string) =>
    world.prices.record(actor.tenantId, anOverride({ effectiveFrom, source }));
  await from(new Date('2026-02-01T00:00:00Z'), 'february');
  await from(new Date('2026-03-01T00:00:00Z'), 'march');
  await from(new Date('2026-02-01T00:00:00Z'), 'february, corrected');

  const sources = (await world.prices.list(actor.tenantId)).map(({ source }) => source);

  expect(sources).toEqual(['march', 'february, corrected', 'february']);
});

test('prices of one tenant are nothing to another', async () => {
  const other = await world.aTenant();
  await world.prices.record(other.tenantId, anOverride());

  expect(await world.prices.list(actor.tenantId)).toEqual([]);
});

test('a price below zero is refused', async () => {
  const recording = world.prices.record(actor.tenantId, anOverride({ rates: { input: -1 } }));

  await expect(recording).rejects.toThrow('check constraint');
});
