import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppError } from '../contracts/errors.ts';
import { loadProviderAccounts, providersConfigSchema } from './providers-config.ts';
import { readCredential } from './read-credential.ts';
import { parseYamlFile } from './yaml-file.ts';

function parse(text: string) {
  return parseYamlFile({ path: 'p.yaml', text, variables: {} }, providersConfigSchema).accounts;
}

function problemsIn(text: string): string[] {
  try {
    parse(text);
    return [];
  } catch (error) {
    return (error as AppError).problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

const plain = `
accounts:
  - name: work
    provider: anthropic
    access: api
    credential: { env: KEY }
`;

describe('an account', () => {
  test('has priority 1, no limits and all models unless it says otherwise', () => {
    expect(parse(plain)).toEqual([
      {
        name: 'work',
        provider: 'anthropic',
        access: 'api',
        priority: 1,
        credential: { env: 'KEY' },
        limits: [],
      },
    ]);
  });

  test('counts its windows in milliseconds', () => {
    const limits = `    limits:
      - { charge: requests, limit: 50, per: minute }
      - { charge: input, limit: 9, per: day, timeZone: America/Los_Angeles }
      - { charge: total, limit: 7, per: 5h }
`;

    expect(parse(plain + limits)[0]?.limits.map(({ windowMs }) => windowMs)).toEqual([
      60_000, 86_400_000, 18_000_000,
    ]);
  });

  test.each([
    [
      'provider: anthropic',
      'provider: antropic',
      '4: accounts.0.provider: unknown provider "antropic"; known are anthropic, openai, google, openai-compatible',
    ],
    [
      'access: api',
      'access: paid',
      '5: accounts.0.access: unknown access "paid"; known are subscription, free, api',
    ],
    ['name: work', 'name: openai', '3: accounts.0.name: "openai" is a provider\'s name'],
    [
      'credential: { env: KEY }',
      'priority: 2',
      '3: accounts.0.credential: an account of anthropic needs a credential',
    ],
    [
      '{ env: KEY }',
      '{ env: KEY, file: k }',
      '6: accounts.0.credential: a credential is `env: NAME` or `file: PATH`, one of them',
    ],
    [
      '{ env: KEY }',
      '{ enf: KEY }',
      '6: unknown key "accounts.0.credential.enf"; did you mean "env"?',
    ],
    [
      'access: api',
      'access: api\n    maxConcurrent: 0',
      '6: accounts.0.maxConcurrent: at least 1; without the line there is no bound',
    ],
    [
      'access: api',
      'access: api\n    api: chat',
      '6: accounts.0.api: anthropic has one interface only; leave the line out',
    ],
    [
      'access: api',
      'access: api\n    baseUrl: https://me:secret@host/v1',
      '6: accounts.0.baseUrl: a credential belongs in `credential`',
    ],
    [
      'provider: anthropic',
      'provider: openai-compatible',
      '3: accounts.0.baseUrl: an account of openai-compatible needs the address of its server',
    ],
  ])('with "%s" as "%s" is refused with line and key', (from, to, problem) => {
    expect(problemsIn(plain.replace(from, to))).toContain(`p.yaml:${problem}`);
  });

  test.each([
    [
      '{ charge: requests, limit: 0, per: minute }',
      '8: accounts.0.limits.0.limit: a limit is at least 1; without the line there is none',
    ],
    [
      '{ charge: tokens, limit: 1, per: minute }',
      '8: accounts.0.limits.0.charge: unknown charge "tokens"; known are requests, input, uncached_input, output_actual, max_tokens, total, micro_usd',
    ],
    [
      '{ charge: input, limit: 1, per: week }',
      '8: accounts.0.limits.0.per: a window is minute, hour, day or hours as 5h',
    ],
    [
      '{ charge: input, limit: 1, per: day, timeZone: Mars }',
      '8: accounts.0.limits.0.timeZone: a time zone is a name such as America/Los_Angeles',
    ],
    [
      '{ charge: input, limit: 1, per: 5h, timeZone: UTC }',
      '8: accounts.0.limits.0.timeZone: a time zone belongs to `per: day`',
    ],
    [
      '{ charge: input, limmit: 1, per: 5h }',
      '8: unknown key "accounts.0.limits.0.limmit"; did you mean "limit"?',
    ],
    [
      '{ charge: input, limit: 1, per: 5h }\n      - { charge: input, limit: 2, per: 5h }',
      '7: accounts.0.limits: input per 5h is limited twice',
    ],
  ])('with the limit %s is refused with line and key', (limit, problem) => {
    expect(problemsIn(`${plain}    limits:\n      - ${limit}\n`)).toContain(`p.yaml:${problem}`);
  });

  test('needs a name of its own', () => {
    expect(problemsIn(plain + plain.replace('\naccounts:\n', ''))).toEqual([
      'p.yaml:7: accounts.1.name: another account is named "work"',
    ]);
  });
});

describe('the file of accounts', () => {
  test('is as the documentation shows it', () => {
    const page = readFileSync(join(__dirname, '../docs/providers.md'), 'utf8');
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];

    expect(parse(example).map(({ name }) => name)).toEqual(['work', 'spare', 'free-tier', 'local']);
  });

  test('may be absent unless it was asked for', () => {
    const path = join(tmpdir(), 'no-such-folder', 'providers.yaml');

    expect(loadProviderAccounts({ path, required: false })).toEqual([]);
    expect(() => loadProviderAccounts({ path, required: true })).toThrow(
      `${path} (ADO_PROVIDERS_FILE) does not exist.`,
    );
  });

  test('tells what is wrong with it in one message', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ado-accounts-')), 'providers.yaml');
    writeFileSync(path, 'accounts:\n  - name: X\n    provider: nobody\n    access: api\n');

    expect(() => loadProviderAccounts({ path, required: false })).toThrow(
      `${path} is not a valid configuration.\n${path}:2: accounts.0.name: a name is a–z, 0–9 and -, at most 40\n${path}:3: accounts.0.provider: unknown provider "nobody"; known are anthropic, openai, google, openai-compatible`,
    );
  });

  test('has credential files beside it, whatever the current folder is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ado-accounts-'));
    const path = join(folder, 'providers.yaml');
    writeFileSync(path, plain.replace('env: KEY', 'file: secrets/key'));
    const [account] = loadProviderAccounts({ path, required: true });

    expect(account?.credential).toEqual({ file: join(folder, 'secrets', 'key') });
  });
});

describe('a credential', () => {
  const account = { name: 'work', credential: { env: 'KEY' } };

  test('is the trimmed text of its variable or file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'ado-credential-')), 'key');
    writeFileSync(file, 'sk-from-file\n');

    expect(readCredential(account, { KEY: ' sk-1 ' })).toBe('sk-1');
    expect(readCredential({ name: 'work', credential: { file } })).toBe('sk-from-file');
    expect(readCredential({ name: 'local', credential: undefined })).toBeUndefined();
  });

  test.each([
    [{ env: 'KEY' }, {}, 'account "work": the variable KEY is not there or empty'],
    [{ env: 'KEY' }, { KEY: ' ' }, 'account "work": the variable KEY is not there or empty'],
    [{ file: '/nowhere/key' }, {}, 'account "work": the file /nowhere/key is not there or empty'],
    [
      { env: 'KEY' },
      { KEY: 'sk-1\nsk-2' },
      'account "work": the variable KEY holds more than a key',
    ],
  ])('%j of %j is reported by its place, never by its value', (credential, variables, message) => {
    const expected: unknown = expect.objectContaining({ code: 'CREDENTIAL_MISSING', message });

    const read = () => readCredential({ name: 'work', credential }, variables);

    expect(read).toThrow(expected as AppError);
  });
});
