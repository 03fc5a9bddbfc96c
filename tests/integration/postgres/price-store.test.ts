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

  await world.prices.record(actor, [override]);

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
    world.prices.record(actor, [anOverride({ effectiveFrom, source })]);
  await from(new Date('2026-02-01T00:00:00Z'), 'february');
  await from(new Date('2026-03-01T00:00:00Z'), 'march');
  await from(new Date('2026-02-01T00:00:00Z'), 'february, corrected');

  const sources = (await world.prices.list(actor.tenantId)).map(({ source }) => source);

  expect(sources).toEqual(['march', 'february, corrected', 'february']);
});

test('prices of one tenant are nothing to another', async () => {
  const other = await world.aTenant();
  await world.prices.record(other, [anOverride()]);

  expect(await world.prices.list(actor.tenantId)).toEqual([]);
});

test('a price below zero is refused, with all that came with it', async () => {
  const recording = world.prices.record(actor, [
    anOverride(),
    anOverride({ model: 'b', rates: { input: -1 } }),
  ]);

  await expect(recording).rejects.toThrow('check constraint');
  expect(await world.prices.list(actor.tenantId)).toEqual([]);
});

describe('setting a price that counts already', () => {
  const february = new Date('2026-02-01T00:00:00Z');
  const set = (...changes: readonly Partial<PriceOverride>[]) =>
    world.prices.record(
      actor,
      changes.map((change) => anOverride(change)),
    );
  const count = async () => (await world.prices.list(actor.tenantId)).length;

  test('records nothing, in whatever order its parts are written', async () => {
    const tiers = [
      { aboveInputTokens: 200_000, rates: { input: 6, output: 7 } },
      { aboveInputTokens: 500_000, rates: { input: 8 } },
    ];
    await set({ contextTiers: tiers }, { effectiveFrom: february });

    const again = await set(
      {
        contextTiers: tiers.toReversed(),
        rates: { output: 15_000_000, cacheRead: 0, input: 3_000_000 },
      },
      { effectiveFrom: february },
    );

    expect(again).toEqual({ recorded: 0, unchanged: 2 });
    expect(await count()).toBe(2);
  });

  test('records a change, and the way back', async () => {
    const old = { rates: { input: 1 } };
    await set(old);

    expect(await set({ rates: { input: 2 } })).toEqual({ recorded: 1, unchanged: 0 });
    expect(await set(old)).toEqual({ recorded: 1, unchanged: 0 });
    expect((await world.prices.list(actor.tenantId)).map(({ rates }) => rates.input)).toEqual([
      1, 2, 1,
    ]);
  });

  test('tells a rate of 0 from one that is not known', async () => {
    await set({ rates: { input: 1, output: 0 } });

    expect(await set({ rates: { input: 1 } })).toEqual({ recorded: 1, unchanged: 0 });
  });

  test('records it once when many do so at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => set({}, { model: '*' })));

    expect(answers.reduce((sum, { recorded }) => sum + recorded, 0)).toBe(2);
    expect(await count()).toBe(2);
  });
});

test('who set a price is on record', async () => {
  await world.prices.record(actor, [anOverride()]);
  await world.prices.record(actor, [anOverride()]);

  const rows = await world.database.inTenant(actor.tenantId, ({ db }) =>
    db.selectFrom('audit_log').select(['key_id', 'action', 'target_id', 'detail']).execute(),
  );
  expect(rows).toEqual([
    {
      key_id: actor.keyId,
      action: 'set-price',
      target_id: 'anthropic:claude-sonnet-5',
      detail: expect.objectContaining({ source: 'contract' }),
    },
  ]);
});
