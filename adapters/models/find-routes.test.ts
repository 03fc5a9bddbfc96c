import type { ProviderAccount } from '../../config/providers-config.ts';
import { createModels } from './create-models.ts';
import { findRoutes } from './find-routes.ts';

/** Not asked: scripts say their own prices. */
const unasked = () => Promise.reject(new Error('no price was to be asked for'));
const prices = { costOf: unasked, estimateOf: unasked, priceOf: unasked };

function anAccount(account: Partial<ProviderAccount> & { readonly name: string }): ProviderAccount {
  return {
    provider: 'anthropic',
    access: 'api',
    priority: 1,
    credential: { env: 'ADO_TEST_NO_SUCH_KEY' },
    limits: [],
    ...account,
  };
}

const accounts = [
  anAccount({ name: 'paid' }),
  anAccount({ name: 'plan', access: 'subscription', priority: 5 }),
  anAccount({ name: 'second', priority: 2, models: ['claude-a'] }),
  anAccount({ name: 'gift', access: 'free', models: ['claude-b'] }),
  anAccount({ name: 'ollama', provider: 'openai-compatible', access: 'free' }),
];

function routesOf(name: string): string[] {
  return findRoutes(accounts, name).map(({ account, modelId }) => `${account.name} ${modelId}`);
}

test('a provider stands for its accounts: subscription before free before api, then by priority', () => {
  expect(routesOf('anthropic:claude-b')).toEqual([
    'plan claude-b',
    'gift claude-b',
    'paid claude-b',
  ]);
  expect(routesOf('anthropic:claude-a')).toEqual([
    'plan claude-a',
    'paid claude-a',
    'second claude-a',
  ]);
});

test('an account stands for itself alone, and a model may have colons', () => {
  expect(routesOf('second:claude-a')).toEqual(['second claude-a']);
  expect(routesOf('ollama:llama3:8b')).toEqual(['ollama llama3:8b']);
});

test.each([
  [
    'claude',
    '"claude": a model is named <account or provider>:<model>; accounts are paid, plan, second, gift, ollama; providers are anthropic, openai, google, openai-compatible',
  ],
  [
    'plam:x',
    '"plam:x": no account or provider is called "plam"; did you mean "plan"?; accounts are paid, plan, second, gift, ollama; providers are anthropic, openai, google, openai-compatible',
  ],
  [
    'google:x',
    '"google:x": providers.yaml has no account of google; accounts are paid, plan, second, gift, ollama; providers are anthropic, openai, google, openai-compatible',
  ],
  ['gift:claude-c', '"gift:claude-c": "gift" is for claude-b only; did you mean "claude-b"?'],
])('%s is refused with what there is', async (name, message) => {
  const models = createModels({ scriptedModels: false, accounts, clock: Date, prices });

  await expect(models.routesOf(name)).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
    message,
  });
});

test('a missing credential is told at the call, by the name of its variable', async () => {
  const models = createModels({ scriptedModels: false, accounts, clock: Date, prices });
  const [{ model }] = await models.routesOf('paid:claude-a');
  const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }];
  const error: unknown = await Promise.resolve(model.doStream({ prompt })).catch(
    (thrown: unknown) => thrown,
  );

  expect(error).toMatchObject({
    code: 'CREDENTIAL_MISSING',
    message: 'account "paid": the variable ADO_TEST_NO_SUCH_KEY is not there or empty',
  });
  expect(models.findFailure(error)).toBeUndefined();
});

test('a model is made once, and the oldest one makes room for another', async () => {
  const models = createModels({ scriptedModels: false, accounts, clock: Date, prices });
  const [first] = await models.routesOf('ollama:first');

  expect(await models.routesOf('ollama:first')).toEqual([first]);
  for (let count = 0; count < 200; count += 1) await models.routesOf(`ollama:${String(count)}`);
  expect((await models.routesOf('ollama:first'))[0]).not.toBe(first);
});
