// Looks at accounts, on the real limiter: they show what calls took, and take nothing themselves.
import { providersConfigSchema } from '../../../config/providers-config.ts';
import { createLimitLooks } from '../../../adapters/models/limit-looks.ts';
import { createLimitScopes } from '../../../adapters/models/limit-scopes.ts';
import { testService } from '../../support/environment.ts';
import { anAccount, aReserve, openLimiterWorld, type LimiterWorld } from './limiter-world.ts';

let world: LimiterWorld;
beforeAll(() => {
  world = openLimiterWorld(testService('redisUrl'));
});
afterAll(() => world.close());

function anAccountWith(changes: object) {
  const [account] = providersConfigSchema.parse({
    accounts: [
      { name: 'x', provider: 'openai', access: 'api', credential: { env: 'KEY' }, ...changes },
    ],
  }).accounts;
  if (account === undefined) throw new Error('there is one account');
  return { ...account, name: anAccount() };
}

const limits = [
  { charge: 'requests', limit: 60, per: 'hour', burst: 10 },
  { charge: 'requests', limit: 1_000, per: 'day', scope: 'model' },
];

test('a look shows what a call took, in every scope of the call', async () => {
  const limiter = await world.limiter();
  const account = anAccountWith({ limits, maxConcurrent: 5, tenantShare: 0.5 });
  const scopes = createLimitScopes(() => Promise.resolve(0))(account, 'gpt', 'mine');
  await world.fill(
    account.name,
    scopes.filter(({ name }) => !name.startsWith('model:')),
  );
  await limiter.reserve(aReserve(account.name, scopes, { model: 'gpt' }));
  const lookAt = createLimitLooks(limiter);

  const [seen] = await lookAt({ account, models: ['gpt'], tenantId: 'mine' });
  const again = await world.dump(account.name);
  const [ofNobody] = await lookAt({ account, models: ['gpt'] });

  expect(seen?.state.scopes.map(({ name }) => name)).toEqual([
    'account',
    'model:gpt',
    'tenant:mine',
  ]);
  expect(
    seen?.state.scopes.map(({ dimensions }) => Math.round(dimensions[0]?.remaining ?? 0)),
  ).toEqual([9, 999, 4]);
  expect(seen?.state.scopes[0]?.concurrent).toBe(1);
  expect(ofNobody?.scopes.map(({ name }) => name)).toEqual(['account', 'model:gpt']);
  expect(await world.dump(account.name)).toEqual(again);
});

test('an account of which no model is known is looked at all the same, and an unlimited one is empty', async () => {
  const lookAt = createLimitLooks(await world.limiter());
  const limited = anAccountWith({ limits });

  const [bare] = await lookAt({ account: limited, models: [] });
  const [free] = await lookAt({ account: anAccountWith({}), models: ['gpt'], tenantId: 'mine' });

  expect(bare).toMatchObject({ model: undefined, state: { breaker: 'closed', speed: 1 } });
  expect(bare?.state.scopes).toMatchObject([
    { name: 'account', dimensions: [{ remaining: undefined }] },
  ]);
  expect(free).toMatchObject({ scopes: [], state: { scopes: [], pausedForMs: 0 } });
});
