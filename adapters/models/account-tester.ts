/** The AccountTester port: the one question that every provider answers for free, its list of models. */
import { APICallError } from '@ai-sdk/provider';
import { z } from 'zod';
import type { ProviderAccount } from '../../config/providers-config.ts';
import { findCredentialProblem } from '../../config/read-credential.ts';
import { codeOf } from '../../contracts/errors.ts';
import type { AccountTest } from '../../contracts/providers.schema.ts';
import type { AccountTester, Clock } from '../ports.ts';
import { findErrorFacts, type ErrorFacts } from './error-facts.ts';
import { describeFailure } from './model-call-error.ts';
import { baseUrlOf } from './provider-client.ts';
import { decideOnError } from './provider-errors.ts';
import { createProviderFetch, type ProviderFetch } from './provider-fetch.ts';

/** Shorter than the activity's 20 s, so that the answer says what was slow. */
const answerTimeoutMs = 15_000;

/** Pages are as long as they may be: more models than that no vendor has. */
const queries: Readonly<Record<ProviderAccount['provider'], string>> = {
  anthropic: '?limit=1000',
  openai: '',
  google: '?pageSize=1000',
  'openai-compatible': '',
};

/** Google's list has names, all others have ids. */
const listSchema = z.union([
  z
    .object({ data: z.array(z.object({ id: z.string() })) })
    .transform(({ data }) => data.map(({ id }) => id)),
  z
    .object({ models: z.array(z.object({ name: z.string() })) })
    .transform(({ models }) => models.map(({ name }) => name.replace(/^models\//, ''))),
]);

/** What tests are made with. */
export interface AccountTesterOptions {
  readonly accounts: readonly ProviderAccount[];
  readonly clock: Clock;
}

/** Makes the tester of a worker's accounts. */
export function createAccountTester({ accounts, clock }: AccountTesterOptions): AccountTester {
  return {
    async test(name) {
      const account = accounts.find((one) => one.name === name);
      if (account !== undefined) return testAccount(account, clock);
      const error = `the worker's providers.yaml has no account "${name}"`;
      return { ok: false, errorCode: 'ACCOUNT_NOT_FOUND', error };
    },
    listCredentials: () =>
      Promise.resolve(
        accounts.map((account) => {
          if (account.credential === undefined)
            return { account: account.name, state: 'not_needed' } as const;
          const detail = findCredentialProblem(account);
          return detail === undefined
            ? ({ account: account.name, state: 'present' } as const)
            : ({ account: account.name, state: 'missing', detail } as const);
        }),
      ),
  };
}

async function testAccount(account: ProviderAccount, clock: Clock): Promise<AccountTest> {
  const way = createProviderFetch(account);
  const startedMs = clock.now();
  try {
    const { status, models } = await listModels(account, way);
    return {
      ok: true,
      status,
      latencyMs: clock.now() - startedMs,
      models: models.length,
      missingModels: (account.models ?? []).filter((model) => !isServed(model, models)),
    };
  } catch (error) {
    return toFailure(error, { account, way, clock, startedMs });
  }
}

async function listModels(
  account: ProviderAccount,
  { fetch }: ProviderFetch,
): Promise<{ readonly status: number; readonly models: readonly string[] }> {
  const url = `${baseUrlOf(account)}/models${queries[account.provider]}`;
  const headers = account.provider === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {};
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(answerTimeoutMs) });
  const body = await response.text();
  const models = response.ok ? findModels(body) : undefined;
  if (models !== undefined) return { status: response.status, models };
  throw new APICallError({
    message: response.ok ? 'no list of models' : response.statusText,
    url,
    requestBodyValues: {},
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
    responseBody: body,
  });
}

function findModels(body: string): readonly string[] | undefined {
  try {
    return listSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** Vendors list the dated names of some models only, and Ollama those with a tag; the short ones are served all the same. */
function isServed(model: string, listed: readonly string[]): boolean {
  const name = model.replace(/-latest$/, '');
  return listed.some(
    (id) =>
      id === model ||
      id === `${model}:latest` ||
      (id.startsWith(`${name}-`) && /^\d{4}-?\d{2}-?\d{2}$/.test(id.slice(name.length + 1))),
  );
}

interface Test {
  readonly account: ProviderAccount;
  readonly way: ProviderFetch;
  readonly clock: Clock;
  readonly startedMs: number;
}

/** What a failure means. One that is neither the provider's nor the network's is given on. */
function toFailure(error: unknown, { account, way, clock, startedMs }: Test): AccountTest {
  const nowMs = clock.now();
  const code = codeOf(error);
  if (code !== undefined && error instanceof Error)
    return { ok: false, errorCode: code, error: error.message };
  const facts = findErrorFacts(error);
  if (facts === undefined) throw error;
  const decision = decideOnError(withoutModelWords(facts), nowMs);
  return {
    ok: false,
    ...(facts.status === undefined ? {} : { status: facts.status }),
    latencyMs: nowMs - startedMs,
    errorCode: decision.code,
    error: describeFailure(decision, facts.message, { account, ...way }),
  };
}

/** No model was asked for: a 404 that speaks of models means the address. */
function withoutModelWords(facts: ErrorFacts): ErrorFacts {
  return facts.status === 404 ? { ...facts, message: '', words: [] } : facts;
}
