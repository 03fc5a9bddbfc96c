// The table of provider errors, line by line: what a vendor answers on the wire becomes a decision, through its client.
// The rows are in
// provider-errors.yaml.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { ModelCallDecision } from '../ports.ts';
import type { ProviderAccount } from '../../config/providers-config.ts';
import { event } from '../../tests/support/wire-answers.ts';
import { startWireServer, type WireServer } from '../../tests/support/wire-server.ts';
import { collectStream } from './collect-stream.ts';
import { findErrorFacts } from './error-facts.ts';
import { ModelCallError } from './model-call-error.ts';
import { createProviderModel } from './provider-client.ts';
import { decideOnError } from './provider-errors.ts';

/** Saturday, 21 November 2026, 10:00 in California. */
const now = Date.parse('2026-11-21T18:00:00Z');
/** Looks like no key: only who knows it can take it out. */
const secret = 'correct.horse.battery';

type Provider = ProviderAccount['provider'] | 'openai-chat';

/** A row of provider-errors.yaml. */
interface Row {
  readonly from: Provider;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly event?: string;
  readonly means: {
    readonly kind: ModelCallDecision['kind'];
    readonly code: string;
    readonly after?: number;
    readonly dimension?: string;
    readonly spent?: string;
  };
}

const rows = parse(readFileSync(join(__dirname, 'provider-errors.yaml'), 'utf8')) as Row[];
const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hi' }] }];

let wire: WireServer;
beforeAll(async () => {
  process.env['ADO_TEST_ERRORS_KEY'] = secret;
  wire = await startWireServer();
});
afterAll(async () => {
  delete process.env['ADO_TEST_ERRORS_KEY'];
  await wire.close();
});

async function failureOf(from: Provider, baseUrl = wire.url): Promise<ModelCallError> {
  const account: ProviderAccount = {
    name: 'test',
    provider: from === 'openai-chat' ? 'openai' : from,
    api: from === 'openai-chat' ? 'chat' : undefined,
    access: 'api',
    priority: 1,
    credential: { env: 'ADO_TEST_ERRORS_KEY' },
    baseUrl,
    limits: [],
  };
  try {
    const model = createProviderModel(account, 'm', { now: () => now });
    await collectStream((await model.doStream({ prompt })).stream);
  } catch (error) {
    if (error instanceof ModelCallError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}

/** What is found out without a word of the provider about it. */
const untold: readonly string[] = [
  'its answer cannot be read',
  'it gave an answer that cannot be used',
  'its answer broke off',
];

test.each(
  rows.map((row, index) => ({
    ...row,
    line: `${String(index + 1)}: ${row.event ?? row.body ?? ''}`,
  })),
)('$from $status means $means.kind $means.code, row $line', async (row) => {
  const { from, status, headers, body, event: data, means } = row;
  wire.answerWith(data === undefined ? { status, headers, body } : { events: [event(data)] });

  const { code, message, decision, retryAfterMs } = await failureOf(from);

  const { kind, untilMs, dimension, spent } = decision;
  const after = untilMs === undefined ? undefined : (untilMs - now) / 1000;
  expect({ kind, code, after, dimension, spent }).toEqual({
    after: undefined,
    dimension: undefined,
    spent: 'request',
    ...means,
  });
  expect(decision.code).toBe(code);
  expect(decision.isTold).toBe(!untold.includes(decision.what));
  expect(retryAfterMs).toBe(untilMs === undefined ? undefined : untilMs - now);
  expect(message).toMatch(/^account "test" \((anthropic|openai|google|openai-compatible)\): /);
  expect(message).not.toContain(secret);
  expect(wire.requests).toHaveLength(1);
});

test('the table is tried with every kind of decision, from every vendor', () => {
  expect(new Set(rows.map(({ means }) => means.kind)).size).toBe(5);
  expect(rows.length).toBeGreaterThanOrEqual(60);
});

test('a server that is not there costs nothing and is the trouble of the provider', async () => {
  const gone = await startWireServer();
  await gone.close();

  expect((await failureOf('anthropic', gone.url)).decision).toMatchObject({
    kind: 'overloaded',
    spent: 'nothing',
    isTold: false,
    what: 'it cannot be reached',
  });
});

test('a connection that is reset before any answer may have cost something', async () => {
  wire.answerWith();

  expect((await failureOf('openai-chat')).decision).toMatchObject({
    kind: 'overloaded',
    spent: 'unknown',
    isTold: false,
    what: 'the connection broke',
  });
});

test('a failure shows neither the request nor its credential, however it is printed', async () => {
  const said = `the key ${secret} and another sk-abcdefghijklmnop`;
  wire.answerWith({ status: 500, body: { error: { message: said } } });

  const error = await failureOf('openai');
  const printed = [
    JSON.stringify(error),
    error.message,
    String(error.stack),
    ...Object.values(error).map(String),
  ].join();

  expect(error.cause).toBeUndefined();
  expect(printed).not.toContain(secret);
  expect(printed).not.toContain('abcdefghijklmnop');
  expect(printed).not.toContain('"hi"');
});

test('a defect of ado is not taken for a failure of a provider', () => {
  expect(findErrorFacts(new RangeError('a bug'))).toBeUndefined();
});

test('on the day the clocks change a quota of a day ends at midnight in California all the same', () => {
  const body = { error: { details: [{ violations: [{ quotaId: 'RequestsPerDay' }] }] } };
  const facts = findErrorFacts(body);
  if (facts === undefined) throw new Error('no facts');
  const endFrom = (date: string) =>
    decideOnError({ ...facts, status: 429 }, Date.parse(date)).untilMs;

  expect(endFrom('2026-11-01T08:30:00Z')).toBe(Date.parse('2026-11-02T08:00:00Z'));
  expect(endFrom('2026-03-08T09:30:00Z')).toBe(Date.parse('2026-03-09T07:00:00Z'));
  expect(endFrom('2026-07-01T06:59:59Z')).toBe(Date.parse('2026-07-01T07:00:00Z'));
});
