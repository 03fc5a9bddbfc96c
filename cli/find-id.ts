/** Ids as people write them: whole, or only their end, as tables and branch names show it. */
import { AppError } from '../contracts/errors.ts';
import { batchIdPattern, taskIdPattern } from '../contracts/names.ts';
import { eachItem } from './api-client.ts';
import type { ApiClient } from './api-client.ts';

/** What an id may name. */
export type IdKind = 'task' | 'batch' | 'any';

/** How far back a short id is looked for. Older ones need the whole id. */
const searchLimit = 10_000;
const minSuffix = 6;

/**
 * Returns the whole id that a word stands for: itself, or the only task or batch whose id ends with it.
 * @throws TASK_NOT_FOUND or BATCH_NOT_FOUND, USAGE when several end with it or it names the wrong kind
 */
export async function getId(api: ApiClient, word: string, kind: IdKind): Promise<string> {
  if (taskIdPattern.test(word)) return expectKind(word, kind, 'task');
  if (batchIdPattern.test(word)) return expectKind(word, kind, 'batch');
  const suffix = word.replace(/^(?:task|batch)-/, '');
  if (!/^[0-9a-f-]+$/.test(suffix) || suffix.length < minSuffix) {
    throw new AppError(
      'USAGE',
      `"${word}" is no id: give a whole id, or at least its last ${minSuffix} characters.`,
    );
  }
  const found = await listIds(api, kind, suffix);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length === 0) {
    throw new AppError(
      kind === 'batch' ? 'BATCH_NOT_FOUND' : 'TASK_NOT_FOUND',
      `No id ends with "${suffix}".`,
    );
  }
  throw new AppError('USAGE', `Several ids end with "${suffix}"; write more of it.`, {
    problems: found.map((id) => ({ path: id, message: `ends with ${suffix}` })),
  });
}

function expectKind(id: string, wanted: IdKind, kind: 'task' | 'batch'): string {
  if (wanted === 'any' || wanted === kind) return id;
  throw new AppError('USAGE', `${id} is a ${kind}; this takes a ${wanted}.`);
}

async function listIds(api: ApiClient, kind: IdKind, suffix: string): Promise<string[]> {
  const found: string[] = [];
  if (kind !== 'task') {
    const batches = eachItem(searchLimit, (query) => api.call('get /v1/batches', { query }));
    for await (const { id } of batches) if (id.endsWith(suffix)) found.push(id);
  }
  if (kind !== 'batch') {
    const tasks = eachItem(searchLimit, (query) => api.call('get /v1/tasks', { query }));
    for await (const { id } of tasks) if (id.endsWith(suffix)) found.push(id);
  }
  return found;
}
