/** Search attributes: what the Temporal web UI can filter by. ado's own lists read PostgreSQL. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionLike } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributePair,
} from '@temporalio/common';
import type { AgentBatchInput, AgentTaskInput } from '../../contracts/messages.ts';
import { searchAttributes } from '../../contracts/names.ts';

/** Finds a workflow's tenant. */
export const tenantAttribute = defineSearchAttributeKey(
  searchAttributes.tenantId,
  SearchAttributeType.KEYWORD,
);

/** Longest keyword that Temporal's PostgreSQL and SQLite schemas take. */
const keywordMaxChars = 255;
/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's protocol. */
const keywordType = 2;

/**
 * Registers the search attributes that the namespace lacks, and waits until the server knows them. Repeating it changes
 * nothing. Servers cache the definitions for up to a minute; a workflow started with one before would be refused.
 */
export async function ensureSearchAttributes(
  connection: ConnectionLike,
  namespace: string,
): Promise<void> {
  const names = Object.values(searchAttributes);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = names.filter((name) => !(name in customAttributes));
  if (missing.length > 0) {
    await connection.operatorService
      .addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map((name) => [name, keywordType])),
      })
      .catch((error: unknown) => {
        if (!isAlreadyThere(error)) throw error;
      });
  }
  const query = names.map((name) => `${name} IS NULL`).join(' AND ');
  await untilUsable(async () => {
    await connection.workflowService.countWorkflowExecutions({ namespace, query });
  });
}

/** Another process was quicker. */
function isAlreadyThere(error: unknown): boolean {
  return error instanceof Error && /already exist/i.test(error.message);
}

async function untilUsable(probe: () => Promise<void>): Promise<void> {
  const giveUpAt = performance.now() + 90_000;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(200);
    }
  }
}

/** The attributes that a workflow starts with. Its status is set by the workflow from then on. */
export function initialAttributes(input: AgentTaskInput | AgentBatchInput): SearchAttributePair[] {
  const values: Record<keyof typeof searchAttributes, string | undefined> = {
    tenantId: input.tenantId,
    agentType: input.agent,
    taskStatus: 'queued',
    batchId: input.batchId,
    repository: 'repository' in input ? input.repository : undefined,
    model: input.model,
  };
  return (Object.keys(searchAttributes) as (keyof typeof searchAttributes)[]).flatMap((name) => {
    const value = values[name];
    if (value === undefined) return [];
    const key = defineSearchAttributeKey(searchAttributes[name], SearchAttributeType.KEYWORD);
    // The end of a long path tells more than its beginning.
    return [{ key, value: value.slice(-keywordMaxChars) }];
  });
}
