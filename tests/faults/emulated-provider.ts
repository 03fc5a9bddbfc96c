/** A provider that fault tests ask, bill and break: the emulator, in this process, and ado's accounts with it. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallLine } from '../../cli/emulator/call-log.ts';
import { startEmulator } from '../../cli/emulator/emulator.ts';
import type { Emulator } from '../../cli/emulator/emulator.ts';
import { accountOf } from '../../cli/emulator/incoming-call.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import type { Script } from '../../cli/emulator/script.ts';
import type { Variables } from '../support/ado-platform.ts';

/** Models of the vendors, and US dollars for a million tokens of input and output, as their vendors list them. */
export const vendors = {
  anthropic: { model: 'claude-sonnet-4-5', input: 3, output: 15 },
  openai: { model: 'gpt-5', input: 1.25, output: 10 },
  google: { model: 'gemini-2.5-flash', input: 0.3, output: 2.5 },
} as const;

/** An account in providers.yaml; its key is `sk-<name>`. */
export interface TestAccount {
  readonly name: string;
  /** Default: anthropic. */
  readonly provider?: keyof typeof vendors;
  readonly priority?: number;
  /** Port of the server; default: the emulator's. */
  readonly port?: number;
  readonly limits?: readonly {
    readonly charge: string;
    readonly limit: number;
    readonly per: string;
    readonly burst?: number;
  }[];
  readonly maxConcurrent?: number;
}

/** A provider that has accounts. */
export interface EmulatedProvider {
  readonly emulator: Emulator;
  /** Variables that processes of ado need to ask it. */
  readonly env: Variables;
  /** The log, as far as it is about these accounts; of all when none is named. */
  readonly lines: (...accounts: readonly string[]) => Promise<readonly CallLine[]>;
}

/** Starts an emulator, and writes the providers.yaml of its accounts. Close the emulator at the end. */
export async function openProvider(
  script: Script,
  accounts: readonly TestAccount[],
): Promise<EmulatedProvider> {
  const emulator = await startEmulator({ port: 0, script });
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-providers-')), 'providers.yaml');
  const variableOf = ({ name }: TestAccount): string =>
    `TEST_KEY_${name.toUpperCase().replaceAll('-', '_')}`;
  const entries = accounts.map(({ provider = 'anthropic', port = emulator.port, ...account }) => ({
    ...account,
    provider,
    access: 'api',
    baseUrl: `http://127.0.0.1:${port}/${provider === 'google' ? 'v1beta' : 'v1'}`,
    credential: { env: variableOf(account) },
    // What is held for a call stays small, so that a task's money lasts for all that are lost.
    maxOutputTokens: 1_024,
  }));
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ accounts: entries }));
  const keys = accounts.map((account) => [variableOf(account), keyOf(account.name)]);
  return {
    emulator,
    env: { ADO_PROVIDERS_FILE: file, ...(Object.fromEntries(keys) as Variables) },
    async lines(...names) {
      const wanted = names.map((name) => accountOf(keyOf(name)));
      const all = await emulator.lines();
      return all.filter(({ account }) => names.length === 0 || wanted.includes(account));
    },
  };
}

/** The API key of an account, by which scripts know it. */
export function keyOf(account: string): string {
  return `sk-${account}`;
}

/** A script as the emulator reads it, before it is checked. */
interface ScriptParts {
  /** Limits of every account that `accounts` does not name by its key. */
  readonly limits?: object;
  readonly accounts?: object;
  readonly faults?: readonly object[];
  /** Said and thought in each answer before its tool call, so that its stream has more events. */
  readonly says?: { readonly text: string; readonly reasoning?: string };
}

/**
 * A model that ends at a turn: it writes a file, then calls a tool wrongly until it says that it is done. A wrong call is
 * answered without a sandbox, so that a turn costs little but its model call. The input of a call tells which turn it was:
 * 1,000 tokens, and as many as the turn's number.
 */
export function workOf(turns: number, { says = { text: '' }, ...parts }: ScriptParts = {}): Script {
  const answers = Array.from({ length: turns }, (_, index) => {
    const turn = index + 1;
    const call =
      turn === 1
        ? { tool: 'write_file', input: { path: 'DONE.md', content: 'done' } }
        : { tool: 'read_file', input: {} };
    const { text, ...more } = says;
    const spoken = text === '' ? more : { ...more, text };
    const answer = turn < turns ? { ...spoken, toolCalls: [call] } : { ...more, text: 'Done.' };
    return { when: { turn }, ...answer, usage: { inputTokens: 1_000 + turn, outputTokens: 20 } };
  });
  return parseScript('script', JSON.stringify({ ...parts, answers }));
}
