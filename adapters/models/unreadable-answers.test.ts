// F36: whatever a provider answers, a call ends with a whole answer or with a decided failure; nothing crashes, and no
// call of a tool is given out that the provider had not finished.
import type { LanguageModelV4 } from '@ai-sdk/provider';
import fc from 'fast-check';
import type { ProviderAccount } from '../../config/providers-config.ts';
import {
  anthropicAnswer,
  chatAnswer,
  event,
  googleAnswer,
  responsesAnswer,
} from '../../tests/support/wire-answers.ts';
import { startWireServer, type WireServer } from '../../tests/support/wire-server.ts';
import { collectStream } from './collect-stream.ts';
import { ModelCallError } from './model-call-error.ts';
import { createProviderModel } from './provider-client.ts';

/** Damaged answers of each vendor, other ones in each run of the test: some seconds. */
const runs = 300;

const vendors = [
  ['anthropic', anthropicAnswer.events],
  ['openai', responsesAnswer.events],
  ['google', googleAnswer.events],
  ['openai-compatible', chatAnswer.events],
] as const;

let wire: WireServer;
beforeAll(async () => {
  process.env['ADO_TEST_UNREADABLE_KEY'] = 'sk-test-secret-0123456789';
  wire = await startWireServer();
});
afterAll(async () => {
  delete process.env['ADO_TEST_UNREADABLE_KEY'];
  await wire.close();
});

function modelOf(provider: ProviderAccount['provider']): LanguageModelV4 {
  const account: ProviderAccount = {
    name: 'test',
    provider,
    access: 'api',
    priority: 1,
    credential: { env: 'ADO_TEST_UNREADABLE_KEY' },
    baseUrl: wire.url,
    limits: [],
  };
  return createProviderModel(account, 'test-model', Date);
}

/** What may happen to the events of a good answer. */
type Damage =
  | { readonly kind: 'drop' | 'repeat' | 'swap'; readonly at: number }
  | { readonly kind: 'cut'; readonly at: number; readonly place: number }
  | {
      readonly kind: 'write over';
      readonly at: number;
      readonly place: number;
      readonly text: string;
    }
  | { readonly kind: 'insert'; readonly at: number; readonly value: object | string };

const at = fc.nat(60);
const place = fc.nat(2_000);
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constantFrom('drop' as const, 'repeat' as const, 'swap' as const), at }),
  fc.record({ kind: fc.constant('cut' as const), at, place }),
  fc.record({
    kind: fc.constant('write over' as const),
    at,
    place,
    text: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('null', '{', '"', '-1', '[]'),
    ),
  }),
  fc.record({
    kind: fc.constant('insert' as const),
    at,
    value: fc.oneof(
      fc.json(),
      fc.record({ type: fc.string(), delta: fc.jsonValue(), index: fc.integer() }),
      fc.constant({ type: 'a_new_event', of: 'next year' }),
      fc.constant({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json: 'x'.repeat(30_000) },
      }),
    ),
  }),
);

function apply(events: readonly string[], harm: Damage): string[] {
  const index = harm.at % Math.max(1, events.length);
  const hurt = events[index] ?? '';
  const before = events.slice(0, index);
  const after = events.slice(index + 1);
  switch (harm.kind) {
    case 'drop':
      return [...before, ...after];
    case 'repeat':
      return [...before, hurt, hurt, ...after];
    case 'swap':
      return [...before, ...after.slice(0, 1), hurt, ...after.slice(1)];
    case 'cut':
      return [...before, hurt.slice(0, harm.place % Math.max(1, hurt.length))];
    case 'write over': {
      const from = harm.place % Math.max(1, hurt.length);
      return [
        ...before,
        hurt.slice(0, from) + harm.text + hurt.slice(from + harm.text.length),
        ...after,
      ];
    }
    case 'insert':
      return [...before, event(harm.value), hurt, ...after];
  }
}

test.each(vendors)(
  'an answer of %s that is damaged in any way ends the call in order',
  async (provider, events) => {
    const model = modelOf(provider);
    const seen = { whole: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (harms) => {
        const body = harms.reduce<readonly string[]>(apply, events).join('');
        wire.answerWith({ headers: { 'content-type': 'text/event-stream' }, body });
        try {
          const { stream } = await model.doStream({
            prompt: [{ role: 'user', content: [{ type: 'text', text: 'Look.' }] }],
          });
          const { message, usage } = await collectStream(stream);
          seen.whole += 1;
          expect(message.role).toBe('assistant');
          expect(Object.values(usage).every((count) => count === undefined || count >= 0)).toBe(
            true,
          );
        } catch (error) {
          if (!(error instanceof ModelCallError)) throw error;
          seen.failed += 1;
        }
      }),
      { numRuns: runs },
    );
    process.stderr.write(`${provider}: ${JSON.stringify(seen)}\n`);
    expect(Math.min(seen.whole, seen.failed)).toBeGreaterThan(0);
  },
  300_000,
);
