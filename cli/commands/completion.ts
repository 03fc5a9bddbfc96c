/** `ado completion SHELL`, and the hidden `ado complete` that the shells' scripts call at every Tab. */
import { script } from '@bomb.sh/tab';
import type { RootCommand } from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import type { Command } from '../definitions/define.ts';
import { localContext } from '../contexts.ts';
import { exitCodes } from '../exit-codes.ts';
import { loadUserConfig } from '../settings.ts';
import { toLine } from '../terminal.ts';

/** The shells that are known. */
export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;
/** One shell. */
export type Shell = (typeof shells)[number];

/** Prints the script that makes a shell complete `ado`. */
export function printCompletionScript(shell: Shell): number {
  script(shell, 'ado', 'ado');
  return exitCodes.ok;
}

/** Answers a Tab: prints what may come next, ids and contexts included. `words` ends with the word being written. */
export async function complete(
  cli: Cli,
  program: Command,
  words: readonly string[],
): Promise<number> {
  const root = tab(program as unknown as Parameters<typeof tab>[0], {
    completionCommandName: 'completion',
  });
  const known = await listKnown(cli, words).catch(() => []);
  offer(root, words, known);
  const { contexts = {} } = await loadUserConfig(cli).catch(() => ({ contexts: {} }));
  const names = [localContext, ...Object.keys(contexts)];
  for (const command of [root, ...root.commands.values()]) {
    const option = command.options.get('context');
    if (option !== undefined)
      option.handler = (say) => {
        names.forEach((name) => say(name, ''));
      };
  }
  root.parse([...words]);
  return exitCodes.ok;
}

interface Known {
  readonly id: string;
  readonly description: string;
}

const takesTask = /^(diff|retry|cancel|show|logs)$/;
const takesApproval = /^(approve|reject)$/;
const takesBatch = /^(show|logs|cancel|retry|items|set|export)$/;

/** Nobody waits longer for a Tab. */
const patienceMs = 500;
const offeredIds = 30;

/** The ids that fit the command under way; none when the server does not answer at once. */
async function listKnown(cli: Cli, words: readonly string[]): Promise<Known[]> {
  const [noun = '', verb = ''] = words.filter((word) => !word.startsWith('-'));
  const wantsBatch = noun === 'batch' && takesBatch.test(verb);
  const list = wantsBatch
    ? listBatches
    : takesApproval.test(noun)
      ? listPending
      : takesTask.test(noun)
        ? listTasks
        : undefined;
  if (list === undefined) return [];
  const api = await connect(cli, { mayStart: false });
  const late = new Promise<Known[]>((resolve) => setTimeout(resolve, patienceMs, []).unref());
  return Promise.race([list(api), late]);
}

async function listPending(api: ApiClient): Promise<Known[]> {
  const query = { status: 'pending', limit: offeredIds };
  const { items } = await api.call('get /v1/approvals', { query });
  return items.map((approval) => ({ id: approval.id, description: toLine(approval.title, 60) }));
}

async function listTasks(api: ApiClient): Promise<Known[]> {
  const { items } = await api.call('get /v1/tasks', { query: { limit: offeredIds } });
  return items.map((task) => ({
    id: task.id,
    description: `${task.status}  ${toLine(task.prompt, 40)}`,
  }));
}

async function listBatches(api: ApiClient): Promise<Known[]> {
  const { items } = await api.call('get /v1/batches', { query: { limit: offeredIds } });
  return items.map((batch) => ({
    id: batch.id,
    description: `${batch.status}  ${toLine(batch.name, 40)}`,
  }));
}

function offer(root: RootCommand, words: readonly string[], known: readonly Known[]): void {
  const [noun = '', verb = ''] = words.filter((word) => !word.startsWith('-'));
  const command = root.commands.get(noun === 'batch' ? `batch ${verb}` : noun);
  const argument = command?.arguments.get('id');
  if (argument !== undefined)
    argument.handler = (say) => {
      known.forEach(({ id, description }) => say(id, description));
    };
}
