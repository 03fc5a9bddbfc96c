import type { LanguageModelV4Message } from '@ai-sdk/provider';
import { keepOwnReasoning, markOrigin, originOf } from './reasoning-origin.ts';

test('reasoning stays with the provider, or with the account where only that can read it', () => {
  expect(originOf({ name: 'a', provider: 'anthropic' })).toBe(
    originOf({ name: 'b', provider: 'anthropic' }),
  );
  expect(originOf({ name: 'a', provider: 'openai' })).not.toBe(
    originOf({ name: 'b', provider: 'openai' }),
  );
});

test('only reasoning of the same origin is sent, without its mark', () => {
  const told = (origin: string) => ({
    type: 'reasoning' as const,
    text: origin,
    providerOptions: { ado: { origin }, x: { a: 1 } },
  });
  const said: LanguageModelV4Message = {
    role: 'assistant',
    content: [
      told('one'),
      told('two'),
      { type: 'reasoning', text: 'unknown' },
      { type: 'text', text: 'hi' },
    ],
  };

  expect(keepOwnReasoning({ prompt: [said] }, 'one').prompt).toEqual([
    {
      role: 'assistant',
      content: [
        { type: 'reasoning', text: 'one', providerOptions: { x: { a: 1 } } },
        { type: 'text', text: 'hi' },
      ],
    },
  ]);
});

test('the mark stands beside what the provider says', () => {
  const start = { type: 'reasoning-start' as const, id: '0', providerMetadata: { x: { a: 1 } } };

  expect(markOrigin(start, 'one')).toEqual({
    ...start,
    providerMetadata: { x: { a: 1 }, ado: { origin: 'one' } },
  });
});
