/** The file of model accounts, `providers.yaml`: which accounts there are, what they may be used for, and their limits. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { isTimeZone } from '../contracts/calendar.ts';
import { AppError } from '../contracts/errors.ts';
import { parseYamlFile, type YamlSource } from './yaml-file.ts';

/** The kinds of providers that ado speaks to. */
export const providerNames = ['anthropic', 'openai', 'google', 'openai-compatible'] as const;
export type ProviderName = (typeof providerNames)[number];

/** How an account is paid, cheapest first: the order in which accounts are tried. */
export const accessModes = ['subscription', 'free', 'api'] as const;

/**
 * What a call counts as in a limit. `requests` is 1; `input` counts cached tokens too, `uncached_input` does not;
 * `output_actual` is what was produced, `max_tokens` what was asked for at most (for providers that reserve it);
 * `total` is input and output; `micro_usd` is money in millionths of a US dollar.
 */
export const chargeRules = [
  'requests',
  'input',
  'uncached_input',
  'output_actual',
  'max_tokens',
  'total',
  'micro_usd',
] as const;

/** One charge rule. */
export type ChargeRule = (typeof chargeRules)[number];

const minuteMs = 60_000;
const hourMs = 3_600_000;
const windowsMs: Readonly<Record<string, number>> = {
  minute: minuteMs,
  hour: hourMs,
  day: 24 * hourMs,
};

/** Part of a limit per minute or hour that may be taken at once, where the file does not say. */
const burstShare = 0.9;

/** What a limit holds at once. */
function burstOf({ limit, per }: { readonly limit: number; readonly per: string }): number {
  const isRate = per === 'minute' || per === 'hour';
  return isRate ? Math.max(1, Math.floor(limit * burstShare)) : limit;
}

/** One limit; `windowMs` is `per` in milliseconds, `burst` what it holds at once. */
const limitSchema = z
  .strictObject({
    charge: z.enum(chargeRules, {
      error: ({ input }) => `unknown charge ${quoted(input)}; known are ${chargeRules.join(', ')}`,
    }),
    limit: z.int().min(1, 'a limit is at least 1; without the line there is none'),
    per: z
      .string()
      .regex(/^(minute|hour|day|[1-9]\d{0,2}h)$/, 'a window is minute, hour, day or hours as 5h'),
    /** Whether all models of the account share it, or each model has as much for itself. */
    scope: z.enum(['account', 'model']).default('account'),
    /**
     * What may be taken at once, of limits per minute and hour. Default: nine tenths of the limit, as requests arrive at
     * the provider closer together than they were sent.
     */
    burst: z.int().min(1, 'a burst is at least 1').optional(),
    /** Where a day begins and ends; only with `per: day`. */
    timeZone: z
      .string()
      .refine(isTimeZone, 'a time zone is a name such as America/Los_Angeles')
      .optional(),
  })
  .refine(({ per, timeZone }) => timeZone === undefined || per === 'day', {
    path: ['timeZone'],
    message: 'a time zone belongs to `per: day`',
  })
  .refine(({ per, burst }) => burst === undefined || per === 'minute' || per === 'hour', {
    path: ['burst'],
    message: 'a burst belongs to `per: minute` or `per: hour`',
  })
  .transform((limit) => ({
    ...limit,
    windowMs: toWindowMs(limit.per),
    burst: limit.burst ?? burstOf(limit),
  }));

/** Where a credential is found: never the credential itself. */
const credentialSchema = z
  .strictObject({ env: z.string().min(1).optional(), file: z.string().min(1).optional() })
  .refine(({ env, file }) => (env === undefined) !== (file === undefined), {
    message: 'a credential is `env: NAME` or `file: PATH`, one of them',
  });

const accountSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a name is a–z, 0–9 and -, at most 40'),
    provider: z.enum(providerNames, {
      error: ({ input }) =>
        `unknown provider ${quoted(input)}; known are ${providerNames.join(', ')}`,
    }),
    access: z.enum(accessModes, {
      error: ({ input }) => `unknown access ${quoted(input)}; known are ${accessModes.join(', ')}`,
    }),
    /** Order among accounts of the same access, 1 first. */
    priority: z.int().min(1).default(1),
    credential: credentialSchema.optional(),
    baseUrl: z
      .url({ protocol: /^https?$/, error: 'a URL such as http://127.0.0.1:8000/v1' })
      .refine((url) => !/^https?:\/\/[^/]*@/.test(url), 'a credential belongs in `credential`')
      .transform((url) => url.replace(/\/+$/, ''))
      .optional(),
    /** OpenAI only: which of its interfaces is spoken. */
    api: z.enum(['responses', 'chat']).optional(),
    /** Models that the account may be used for; all, when left out. */
    models: z.array(z.string().min(1)).min(1).optional(),
    /**
     * Longest answer that is asked for. Default: 16,384 tokens, which fits a file; of servers that cost nothing their own
     * longest.
     */
    maxOutputTokens: z.int().min(256, 'at least 256 tokens').optional(),
    limits: z.array(limitSchema).default([]),
    /** Calls at once. */
    maxConcurrent: z.int().min(1, 'at least 1; without the line there is no bound').optional(),
    /** Part of the account that one tenant may use while others want it too. */
    tenantShare: z.number().gt(0, 'a share is above 0').max(1, 'a share is at most 1').optional(),
  })
  .superRefine((account, context) => {
    const report = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    const isOpen = account.provider === 'openai-compatible';
    if (!isOpen && account.credential === undefined)
      report('credential', `an account of ${account.provider} needs a credential`);
    if (isOpen && account.baseUrl === undefined)
      report('baseUrl', 'an account of openai-compatible needs the address of its server');
    if (account.api !== undefined && account.provider !== 'openai')
      report('api', `${account.provider} has one interface only; leave the line out`);
    const taken = [...providerNames, 'scripted'].filter((name) => name !== account.provider);
    if (taken.includes(account.name)) report('name', `"${account.name}" is a provider's name`);
    for (const [index, { charge, per, scope }] of account.limits.entries()) {
      const isFirst =
        account.limits.findIndex(
          (other) => other.charge === charge && other.per === per && other.scope === scope,
        ) === index;
      if (!isFirst) report('limits', `${charge} per ${per} is limited twice`);
    }
  });
/** An account with a provider. */
export type ProviderAccount = z.infer<typeof accountSchema>;

/** `providers.yaml`. */
export const providersConfigSchema = z.strictObject({
  accounts: z
    .array(accountSchema)
    .default([])
    .superRefine((accounts, context) => {
      for (const [index, { name }] of accounts.entries()) {
        if (accounts.findIndex((other) => other.name === name) === index) continue;
        const message = `another account is named "${name}"`;
        context.addIssue({ code: 'custom', path: [index, 'name'], message });
      }
    }),
});

/**
 * Reads the accounts. A relative path of a credential's file starts at the folder of the configuration file.
 * @param required whether the file must be there; without one there are no accounts
 * @throws FILE_INVALID naming file, line and key of every problem
 */
export function loadProviderAccounts(
  { path, required }: { readonly path: string; readonly required: boolean },
  variables: NodeJS.ProcessEnv = process.env,
): readonly ProviderAccount[] {
  const text = findText(path, required);
  if (text === undefined) return [];
  const { accounts } = parseAccounts({ path, text, variables });
  return accounts.map((account) => {
    const file = account.credential?.file;
    if (file === undefined) return account;
    return { ...account, credential: { file: resolve(dirname(path), file) } };
  });
}

/** Parses the file. The problems stand in the message too: a server's log shows that only. */
function parseAccounts(source: YamlSource): z.output<typeof providersConfigSchema> {
  try {
    return parseYamlFile(source, providersConfigSchema);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { message, problems } = error;
    const told = problems.map((problem) => `${problem.path}: ${problem.message}`);
    throw new AppError('FILE_INVALID', [message, ...told].join('\n'), { problems });
  }
}

function findText(path: string, required: boolean): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isAbsent && !required) return undefined;
    const reason = isAbsent ? 'does not exist' : 'cannot be read';
    throw new AppError('FILE_INVALID', `${path} (ADO_PROVIDERS_FILE) ${reason}.`, { cause: error });
  }
}

function toWindowMs(per: string): number {
  return windowsMs[per] ?? Number.parseInt(per, 10) * hourMs;
}

function quoted(input: unknown): string {
  return typeof input === 'string' ? `"${input}"` : String(input);
}
