/** What plan and submit of a batch share: every target resolved and rendered, every problem found before anything is stored. */
import type { Actor, NewTask, ResolvedTarget } from '../../adapters/ports.ts';
import type { SubmitBatch, SubmitItem } from '../../contracts/batch.schema.ts';
import { defaultMaxCostMicroUsd } from '../../contracts/task.schema.ts';
import {
  AppError,
  codeOf,
  errorKinds,
  type ErrorCode,
  type Problem,
} from '../../contracts/errors.ts';
import type { ApiDeps } from '../deps.ts';
import { filesDigest } from './check-work.ts';
import { mapLimited } from './map-limited.ts';
import { prepareTask } from './prepare-task.ts';

/** Targets resolved at once: each may cost a git process or a round trip to a code host. */
const resolvedAtOnce = 8;

/** A problem with its code: the first one's becomes the code of the answer. */
interface Fault extends Problem {
  readonly code: ErrorCode;
}

/** A check of the whole request, and the field that it is about. */
export interface WorkCheck {
  readonly path: string;
  readonly check: () => Promise<void>;
}

/**
 * Makes the tasks of a batch, in the order of its items.
 * @throws the code of the first problem, with all problems listed: bad targets, doubles, names without a value
 */
export async function prepareBatch(
  deps: Pick<ApiDeps, 'workspaces' | 'confirmAboveCostMicroUsd'>,
  request: {
    readonly actor: Actor;
    readonly body: SubmitBatch;
    readonly checks: readonly WorkCheck[];
  },
): Promise<NewTask[]> {
  const { actor, body } = request;
  const { items, prompt, name, parallel, failureBudget, ...shared } = body;
  // What all may spend together, each may.
  const work = { ...shared, maxCostMicroUsd: shared.maxCostMicroUsd ?? defaultMaxCostMicroUsd };
  const faults: Fault[] = [];
  for (const { path, check } of request.checks) await faultAt(() => path, check(), faults);
  const digest = await filesDigest(deps, work);

  const resolve = resolveOnce(deps);
  const targets = await mapLimited(items, resolvedAtOnce, async (item, index) => {
    const found: Fault[] = [];
    const resolved = await faultAt(
      (code) => `items.${index}.${blamed(item, code)}`,
      resolve(item),
      found,
    );
    return { resolved, found };
  });

  const firstWithKey = new Map<string, number>();
  const tasks = targets.flatMap(({ resolved, found }, index) => {
    faults.push(...found);
    const item = items[index];
    if (resolved === undefined || item === undefined) return [];
    const target = {
      baseRef: item.baseRef,
      prompt: item.prompt ?? prompt,
      variables: item.variables,
      skip: item.skip,
    };
    const { task, unknownNames } = prepareTask({
      actor,
      work,
      target,
      resolved,
      filesDigest: digest,
      confirmAboveCostMicroUsd: deps.confirmAboveCostMicroUsd,
      name,
    });
    const path = `items.${index}`;
    if (unknownNames.length > 0) {
      faults.push({
        code: 'INVALID_REQUEST',
        path,
        message: `the prompt asks for ${unknownNames.join(', ')}, which the item's variables do not give`,
      });
    }
    const double = firstWithKey.get(task.contentKey);
    if (double !== undefined) {
      faults.push({
        code: 'INVALID_REQUEST',
        path,
        message: `is the same work as items.${double}: ${task.repository} twice with the same prompt and variables`,
      });
    } else {
      firstWithKey.set(task.contentKey, index);
    }
    return [task];
  });
  assertNone(faults);
  return tasks;
}

/** The field of an item that a failure to resolve it is about. */
function blamed(item: SubmitItem, code: ErrorCode): keyof SubmitItem {
  if (code !== 'REF_NOT_FOUND') return 'repository';
  if (item.baseCommit !== undefined) return 'baseCommit';
  return item.baseRef === undefined ? 'repository' : 'baseRef';
}

/** Awaits an attempt; what the caller can mend becomes a fault, everything else is thrown on. */
async function faultAt<T>(
  pathFor: (code: ErrorCode) => string,
  attempt: Promise<T>,
  faults: Fault[],
): Promise<T | undefined> {
  try {
    return await attempt;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || errorKinds[code].family !== 'caller') throw error;
    faults.push({ code, path: pathFor(code), message: (error as Error).message });
    return undefined;
  }
}

/** Resolves each target of a batch once, however many items name it. */
function resolveOnce(
  deps: Pick<ApiDeps, 'workspaces'>,
): (item: SubmitItem) => Promise<ResolvedTarget> {
  const known = new Map<string, Promise<ResolvedTarget>>();
  return ({ repository, baseRef, baseCommit }) => {
    const key = JSON.stringify([repository, baseRef, baseCommit]);
    const target = known.get(key) ?? deps.workspaces.resolve({ repository, baseRef, baseCommit });
    known.set(key, target);
    return target;
  };
}

function assertNone(faults: readonly Fault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more problems)` : '';
  throw new AppError(first.code, `${first.path}: ${first.message}${more}`, {
    problems: faults.map(({ path, message }) => ({ path, message })),
  });
}
