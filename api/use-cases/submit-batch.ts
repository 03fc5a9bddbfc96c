/** Accepting a batch. */
import { v7 as uuidV7 } from 'uuid';
import type { Actor, IdempotencyClaim } from '../../adapters/ports.ts';
import type { Batch, SubmitBatch } from '../../contracts/batch.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { afterCommit } from './after-commit.ts';
import { assertModel, assertSandbox } from './check-work.ts';
import { prepareBatch } from './prepare-batch.ts';

/** Length of a name that is taken from the prompt. */
const maxNameLength = 80;

/**
 * Stores a batch with all its items, or nothing. Repeating it with the same claim answers the first batch as it is by
 * then. @throws the codes of `routes.submitBatch`
 */
export async function submitBatch(
  deps: ApiDeps,
  request: {
    readonly actor: Actor;
    readonly body: SubmitBatch;
    readonly claim: IdempotencyClaim | undefined;
  },
): Promise<Batch> {
  const { actor, body, claim } = request;
  const known = claim && (await deps.store.findClaimed(actor, claim));
  if (known !== undefined) return deps.store.getBatch(actor, known);

  const checks = [
    { path: 'sandbox', check: () => assertSandbox(deps, body) },
    { path: 'model', check: () => assertModel(deps, body) },
  ];
  const items = await prepareBatch(deps, { actor, body, checks });
  const batch = {
    ...body,
    id: `batch-${uuidV7()}`,
    name: body.name ?? titleOf(body.prompt),
    items,
  };
  const stored = await deps.store.createBatch(actor, batch, claim);
  await afterCommit(deps, stored.id);
  return stored;
}

/** The first line of a prompt that says something, shortened. */
function titleOf(prompt: string): string {
  const line = prompt.trim().split('\n', 1)[0] ?? '';
  return line.length > maxNameLength ? `${line.slice(0, maxNameLength - 1)}…` : line;
}
