/**
 * What people are asked about finished work, where the policy of its task says so: whether it may be delivered, and, when
 * it conflicts with its target, whether it shall be merged anew.
 *
 * PostgreSQL knows what was asked and answered; a repeated activity finds it there. Work that a person was asked about has
 * passed its gates, so it is not checked again: what they looked at is what is delivered.
 */
import type { AskedQuestion, TaskRecord } from '../adapters/ports.ts';
import type { TaskResult } from '../contracts/activities.ts';
import type { ConflictQuestion, EditsReviewQuestion } from '../contracts/approval.ts';
import { AppError, codeOf } from '../contracts/errors.ts';
import { classifyConflict } from './classify-conflict.ts';
import { deliverWork, type Delivery } from './deliver-work.ts';
import type { ActivityDeps } from './deps.ts';
import { MergeConflict } from './merge-work.ts';
import type { TaskSession } from './task-session.ts';

/** Files that a question names; all of them are in the target's history. */
const maxNamedFiles = 50;

/** Work that was delivered, or that waits for a person's word. */
export type ReviewedDelivery =
  | { readonly verdict: 'delivered'; readonly result: TaskResult }
  | { readonly verdict: 'asks'; readonly question: EditsReviewQuestion | ConflictQuestion };

/** Answers whether the policy of a task has people asked about its work, not only about its money. */
export function asksPeople({ policy }: Pick<TaskRecord, 'policy'>): boolean {
  return policy === 'review-edits';
}

/** Answers whether a person was asked about the work as it stands at a commit: then its gates have passed. */
export async function wasReviewed(
  { approvals }: Pick<ActivityDeps, 'approvals'>,
  { task }: TaskSession,
  commit: string,
): Promise<boolean> {
  if (!asksPeople(task)) return false;
  return (await approvals.listAsked(task.ref)).some(({ key }) => key === reviewKey(commit));
}

/**
 * Delivers the work, or answers what a person has to be asked first.
 * @throws EDITS_REJECTED · MERGE_CONFLICT that nobody wants merged anew · all that `deliverWork` throws
 */
export async function deliverReviewed(
  deps: ActivityDeps,
  session: TaskSession,
  step: number,
  delivery: Delivery,
): Promise<ReviewedDelivery> {
  const { task } = session;
  if (!asksPeople(task) || delivery.work.commit === task.baseCommit)
    return { verdict: 'delivered', result: await deliverWork(deps, session, step, delivery) };
  const asked = await deps.approvals.listAsked(task.ref);
  const review = asked.find(({ key }) => key === reviewKey(delivery.work.commit));
  if (review?.decision === undefined)
    return { verdict: 'asks', question: await reviewQuestion(deps, session, delivery) };
  if (review.decision === 'reject') throw rejection(review);
  const conflicts = asked.filter((one) => one.kind === 'conflict');
  const refused = conflicts.find(({ decision }) => decision === 'reject');
  if (refused !== undefined) throw new AppError('MERGE_CONFLICT', refused.facts.message);
  const tries = conflicts.filter(({ decision }) => decision === 'approve').length;
  try {
    const result = await deliverWork(deps, session, step, { ...delivery, tries });
    return { verdict: 'delivered', result };
  } catch (error) {
    if (codeOf(error) !== 'MERGE_CONFLICT') throw error;
    return { verdict: 'asks', question: conflictQuestion(task, error as AppError, tries) };
  }
}

function reviewKey(commit: string): string {
  return `edits_review:${commit}`;
}

async function reviewQuestion(
  { journal }: ActivityDeps,
  { task }: TaskSession,
  { work: { commit, diffStat }, summary }: Delivery,
): Promise<EditsReviewQuestion> {
  const { passedGates } = await journal.readFacts(task.ref);
  const { files } = diffStat;
  return {
    kind: 'edits_review',
    title: `May this work be delivered? It changes ${String(files)} file${files === 1 ? '' : 's'}.`,
    key: reviewKey(commit),
    facts: { commit, diffStat, summary, passedGates },
  };
}

/** The n-th try that conflicts is the n-th question. */
function conflictQuestion(task: TaskRecord, error: AppError, tries: number): ConflictQuestion {
  const { branch, delivery } = task;
  const conflict = error.cause instanceof MergeConflict ? error.cause : undefined;
  const target = conflict?.target ?? delivery.target;
  const files = conflict?.files ?? [];
  return {
    kind: 'conflict',
    title: `Shall this work be merged anew? It could not be merged into ${target ?? 'its target'}.`,
    key: `conflict:${String(tries + 1)}`,
    facts: {
      ...{ target, branch, message: error.message },
      files: files.slice(0, maxNamedFiles).map((path) => ({ path, class: classifyConflict(path) })),
    },
  };
}

function rejection({ status, reason }: AskedQuestion): AppError {
  const who =
    status === 'expired' ? 'Nobody approved the work in time' : 'A person rejected the work';
  const why = reason === undefined ? '.' : `: ${reason}`;
  return new AppError('EDITS_REJECTED', `${who}${why}`);
}
