/** Approvals as people read them, and as they name them. */
import type { ConflictQuestion } from '../contracts/approval.ts';
import type { Approval } from '../contracts/approval.schema.ts';
import { AppError } from '../contracts/errors.ts';
import { approvalIdPattern, shortId } from '../contracts/names.ts';
import { formatMicroUsd } from '../contracts/money.ts';
import { listAll, type ApiClient } from './api-client.ts';
import { getId } from './find-id.ts';
import { formatFacts, formatTable } from './table.ts';
import { toLine, type Paint } from './terminal.ts';
import { formatTimeLeft } from './texts.ts';
import { formatDiffStat } from './watch/event-lines.ts';

type ConflictFile = ConflictQuestion['facts']['files'][number];

/** More questions than a person reads. */
const listedApprovals = 500;

/** Approvals as rows. */
export function formatApprovals(approvals: readonly Approval[], paint: Paint): string {
  const nowMs = Date.now();
  return formatTable(
    paint,
    ['ID', 'TASK', 'KIND', 'STATUS', 'DEADLINE', 'QUESTION'],
    approvals.map((approval) => [
      shortId(approval.id),
      shortId(approval.taskId),
      approval.kind,
      paintStatus(paint, approval.status),
      approval.status === 'pending' ? formatTimeLeft(approval.deadlineAt, nowMs) : '',
      toLine(approval.title, 100),
    ]),
  );
}

/** A whole approval. */
export function formatApproval(approval: Approval, paint: Paint): string {
  const { status, deadlineAt, defaultDecision } = approval;
  const silence = defaultDecision === 'approve' ? 'approved' : 'rejected';
  return formatFacts(paint, [
    ['approval', approval.id],
    ['task', approval.taskId],
    ['question', approval.title],
    ['status', paintStatus(paint, status)],
    ...factsOf(approval),
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

/** What a person needs to decide, by what is asked. */
function factsOf(approval: Approval): readonly (readonly [string, string | undefined])[] {
  switch (approval.kind) {
    case 'cost': {
      const { facts } = approval;
      const spent = `${formatMicroUsd(facts.spentMicroUsd)} of ${formatMicroUsd(facts.limitMicroUsd)}`;
      return [
        ['spent', `${spent}, ${formatMicroUsd(facts.confirmedMicroUsd)} confirmed`],
        ['next call', `at most ${formatMicroUsd(facts.nextCallMicroUsd)} on ${facts.route}`],
        ['free again', facts.freeAgainAt],
      ];
    }
    case 'quality_gate': {
      const { gate, message, rounds, findings } = approval.facts;
      return [
        ['gate', findings === undefined ? gate : `${gate}, findings: ${findings}`],
        ['it says', message],
        ['rounds', String(rounds)],
        ['yes', 'the agent gets ten more rounds, and what --reason says as advice'],
        ['no', 'the task ends with what there is; the work is kept'],
      ];
    }
    case 'edits_review': {
      const { commit, diffStat, summary, passedGates } = approval.facts;
      return [
        ['commit', `${commit.slice(0, 12)}: ${formatDiffStat(diffStat)}`],
        ['passed', passedGates.length === 0 ? 'no checks' : passedGates.join('\n')],
        ['summary', summary === '' ? undefined : summary],
        ['yes', 'the work is delivered'],
        ['no', 'the task ends; the work is kept, and `ado publish` can still push it'],
      ];
    }
    case 'conflict': {
      const { target, branch, message, files } = approval.facts;
      return [
        ['target', target],
        ['branch', branch],
        ['why', message],
        ['files', files.length === 0 ? undefined : files.map(toConflictLine).join('\n')],
        ['yes', 'the work is merged anew: mend the target or the branch in it first'],
        ['no', 'the task ends; the work is on its branch'],
      ];
    }
  }
}

/** The commands that answer a question. */
export function waysToAnswer(ado: string, id: string): readonly (readonly [string, string])[] {
  return [
    ['Yes', `${ado} approve ${id}`],
    ['No', `${ado} reject ${id}`],
  ];
}

/** The command that shows the work that a question is about; undefined where it is about none. */
export function wayToLook(
  ado: string,
  { taskId, kind }: Pick<Approval, 'taskId' | 'kind'>,
): string | undefined {
  return kind === 'cost' ? undefined : `${ado} diff ${shortId(taskId)}`;
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
  filter: { readonly status?: string; readonly kind?: string },
): Promise<Approval[]> {
  return listAll(listedApprovals, (query) =>
    api.call('get /v1/approvals', { query: { ...query, ...filter } }),
  );
}

function toConflictLine({ path, class: kind }: ConflictFile): string {
  return `${kind}: ${path}`;
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
