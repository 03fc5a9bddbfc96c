/** The checks that each repository of a plan has of its own, found as the worker finds them. */
import type { NewTask } from '../../adapters/ports.ts';
import type { PlannedItem, SubmitBatch } from '../../contracts/batch.schema.ts';
import { gateProfileOf } from '../../contracts/gate-profile.ts';
import type { ApiDeps } from '../deps.ts';
import { mapLimited } from './map-limited.ts';

/** Base commits read at once: each costs three git processes. */
const readAtOnce = 4;
/** Base commits that are read for a plan; of more, the answer would wait. */
const maxRead = 200;

/** Answers the checks by task: those that the request does not name itself. Undefined where nothing could be read. */
export async function findChecks(
  deps: Pick<ApiDeps, 'workspaces' | 'gates'>,
  work: Pick<SubmitBatch, 'agent' | 'gates' | 'gateProfile'>,
  tasks: readonly NewTask[],
): Promise<(task: NewTask) => PlannedItem['checks']> {
  const profile = gateProfileOf(work);
  if (profile === 'none') return () => undefined;
  const bases = new Map(tasks.map((task) => [keyOf(task), task]));
  const found = await mapLimited([...bases].slice(0, maxRead), readAtOnce, async ([key, task]) => {
    const { repository, baseCommit } = task;
    const wanted = deps.gates.manifests;
    const files = await deps.workspaces.readBase({ repository, baseCommit, wanted });
    const gates = files === undefined ? undefined : deps.gates.detect(files, profile).gates;
    return [key, gates] as const;
  });
  const byBase = new Map(found);
  const isNamed = (name: string): boolean => work.gates.some((gate) => gate.name === name);
  return (task) =>
    byBase
      .get(keyOf(task))
      ?.filter(({ name }) => !isNamed(name))
      .map(({ name, command }) => ({ name, command }));
}

function keyOf({ repository, baseCommit }: NewTask): string {
  return JSON.stringify([repository, baseCommit]);
}
