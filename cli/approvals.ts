/** Approvals as people read them, and as they name them. */
import type { Approval } from '../contracts/approval.schema.ts';
import { AppError } from '../contracts/errors.ts';
import { approvalIdPattern, shortId } from '../contracts/names.ts';
import { formatMicroUsd } from '../contracts/money.ts';
import { listAll, type ApiClient } from './api-client.ts';
import { getId } from './find-id.ts';
import { formatFacts, formatTable } from './table.ts';
import { toLine, type Paint } from './terminal.ts';
import { formatTimeLeft } from './texts.ts';

/** More questions than a person reads. */
const listedApprovals = 500;

/** Approvals as rows. */
export function formatApprovals(approvals: readonly Approval[], paint: Paint): string {
  const nowMs = Date.now();
  return formatTable(
    paint,
    ['ID', 'TASK', 'STATUS', 'SPENT', 'DEADLINE', 'QUESTION'],
    approvals.map((approval) => [
      shortId(approval.id),
      shortId(approval.taskId),
      paintStatus(paint, approval.status),
      spentOf(approval),
      approval.status === 'pending' ? formatTimeLeft(approval.deadlineAt, nowMs) : '',
      toLine(approval.title, 100),
    ]),
  );
}

/** A whole approval. */
export function formatApproval(approval: Approval, paint: Paint): string {
  const { facts, status, deadlineAt, defaultDecision } = approval;
  const silence = defaultDecision === 'approve' ? 'approved' : 'rejected';
  return formatFacts(paint, [
    ['approval', approval.id],
    ['task', approval.taskId],
    ['question', approval.title],
    ['status', paintStatus(paint, status)],
    ['spent', `${spentOf(approval)}, ${formatMicroUsd(facts.confirmedMicroUsd)} confirmed`],
    ['next call', `at most ${formatMicroUsd(facts.nextCallMicroUsd)} on ${facts.route}`],
    ['free again', facts.freeAgainAt],
    [
      'deadline',
      status === 'pending'
        ? `${formatTimeLeft(deadlineAt, Date.now())}, then ${silence}`
        : undefined,
    ],
    ['decided', approval.decidedAt],
    ['reason', approval.reason],
  ]);
}

/** The commands that answer a question. */
export function waysToAnswer(ado: string, id: string): readonly (readonly [string, string])[] {
  return [
    ['Yes', `${ado} approve ${id}`],
    ['No', `${ado} reject ${id}`],
  ];
}

/** The pending question of a task, if it asks one. */
export async function findPending(api: ApiClient, taskId: string): Promise<Approval | undefined> {
  const query = { taskId, status: 'pending', limit: 1 };
  return (await api.call('get /v1/approvals', { query })).items[0];
}

/**
 * Returns the approval that a word stands for: its id or the end of it, or the task that asks.
 * @throws APPROVAL_NOT_FOUND · TASK_NOT_FOUND · USAGE when several end so
 */
export async function getApprovalId(api: ApiClient, word: string): Promise<string> {
  if (approvalIdPattern.test(word)) return word;
  const asking = word.startsWith('task-') ? [] : await listEndingWith(api, word);
  if (asking.length === 1 && asking[0] !== undefined) return asking[0].id;
  if (asking.length > 1) {
    throw new AppError('USAGE', `Several approvals end with "${word}"; write more of it.`, {
      problems: asking.map(({ id, title }) => ({ path: id, message: title })),
    });
  }
  const taskId = await getId(api, word, 'task');
  const pending = await findPending(api, taskId);
  if (pending !== undefined) return pending.id;
  throw new AppError('APPROVAL_NOT_FOUND', `Task ${taskId} waits for nobody's answer.`);
}

async function listEndingWith(api: ApiClient, word: string): Promise<Approval[]> {
  const suffix = word.replace(/^approval-/, '');
  if (!/^[0-9a-f-]{6,}$/.test(suffix)) return [];
  const all = await listApprovals(api, {});
  return all.filter(({ id }) => id.endsWith(suffix));
}

/** Approvals, the newest first. */
export async function listApprovals(
  api: ApiClient,
  filter: { readonly status?: string },
): Promise<Approval[]> {
  return listAll(listedApprovals, (query) =>
    api.call('get /v1/approvals', { query: { ...query, ...filter } }),
  );
}

function spentOf({ facts }: Approval): string {
  return `${formatMicroUsd(facts.spentMicroUsd)} of ${formatMicroUsd(facts.limitMicroUsd)}`;
}

function paintStatus(paint: Paint, status: Approval['status']): string {
  switch (status) {
    case 'pending':
      return paint.yellow(status);
    case 'approved':
      return paint.green(status);
    case 'rejected':
      return paint.red(status);
    case 'expired':
    case 'withdrawn':
      return paint.dim(status);
  }
}
