/**
 * Asking a person, and waiting for the answer without holding a worker.
 *
 *   asked ──► waiting ──► reminded … ──► answered
 *
 * PostgreSQL decides what the answer is: a person's, or the default when the deadline comes first. The update
 * `decideApproval` only wakes the workflow, so that an answer counts at once; should it be lost, the next reminder or
 * the deadline finds the answer in PostgreSQL. The id of the question is chosen here, before it is on record: so there is
 * no moment in which an answer could come for a question that the workflow does not know.
 */
import {
  ApplicationFailure,
  condition,
  setCurrentDetails,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import type { TaskRef } from '../contracts/activities.ts';
import type {
  ApprovalAnswer,
  ApprovalDecision,
  ApprovalQuestion,
  OpenedApproval,
} from '../contracts/approval.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { decideApprovalUpdate } from '../contracts/messages.ts';
import { glue } from './activity-options.ts';
import { showStatus } from './show-status.ts';

/** Asks a person about a task and waits; answers what counts. Throws when the workflow is cancelled meanwhile. */
export type AskPerson = (ref: TaskRef, question: ApprovalQuestion) => Promise<ApprovalDecision>;

/** The question under way. */
interface Asking {
  approvalId: string;
  decision: ApprovalDecision | undefined;
}

/** Longest summary in the web UI, in characters. */
const summaryMaxChars = 200;

/** Makes the workflow hear answers. To be called before its first await; one question is asked at a time. */
export function createAskPerson(): AskPerson {
  let asking: Asking | undefined;
  const validator = ({ approvalId }: ApprovalAnswer): void => {
    if (asking?.approvalId !== approvalId)
      throw refusal('APPROVAL_NOT_FOUND', `not waiting for ${approvalId}`);
    if (asking.decision !== undefined)
      throw refusal('APPROVAL_DECIDED', `${approvalId} is decided: ${asking.decision}`);
  };
  setHandler(
    decideApprovalUpdate,
    ({ decision }) => {
      if (asking !== undefined) asking.decision = decision;
      return decision;
    },
    { validator },
  );

  return async (ref, question) => {
    asking = { approvalId: newApprovalId(), decision: undefined };
    try {
      return await ask(ref, question, asking);
    } finally {
      asking = undefined;
    }
  };
}

async function ask(
  ref: TaskRef,
  question: ApprovalQuestion,
  asking: Asking,
): Promise<ApprovalDecision> {
  const { tenantId } = ref;
  const summary = question.title.slice(0, summaryMaxChars);
  const input = { ...ref, approvalId: asking.approvalId, question };
  const opened = await glue.openApproval.executeWithOptions({ summary }, [input]);
  asking.approvalId = opened.approvalId;
  asking.decision ??= opened.decision;
  if (asking.decision !== undefined) return asking.decision;

  showStatus('awaiting_approval');
  const { approvalId } = opened;
  const until = new Date(opened.deadlineMs).toISOString();
  setCurrentDetails(`waits for a person until ${until}: ${question.title} (${approvalId})`);
  const decision =
    (await answerWithReminders(asking, { tenantId, opened, summary })) ??
    (await glue.expireApproval.executeWithOptions({ summary }, [{ tenantId, approvalId }]));
  showStatus('running');
  setCurrentDetails(`${decision === 'approve' ? 'approved' : 'rejected'}: ${question.title}`);
  return decision;
}

/** Waits for an answer until the deadline, and reminds people on the way; undefined when nobody answered. */
async function answerWithReminders(
  asking: Asking,
  waiting: {
    readonly tenantId: string;
    readonly opened: OpenedApproval;
    readonly summary: string;
  },
): Promise<ApprovalDecision | undefined> {
  const { tenantId, summary } = waiting;
  const { approvalId, deadlineMs, remindersMs } = waiting.opened;
  for (const [index, reminderMs] of remindersMs.entries()) {
    const answer = await answerUntil(asking, reminderMs, summary);
    if (answer !== undefined) return answer;
    const found = await glue.remindApproval.executeWithOptions({ summary }, [
      { tenantId, approvalId, reminder: index + 1 },
    ]);
    asking.decision ??= found;
  }
  return await answerUntil(asking, deadlineMs, summary);
}

/** Waits for an answer, at most until a point in time. */
async function answerUntil(
  asking: Asking,
  untilMs: number,
  summary: string,
): Promise<ApprovalDecision | undefined> {
  if (asking.decision === undefined) {
    const leftMs = Math.max(1, untilMs - Date.now());
    await condition(() => asking.decision !== undefined, leftMs, { summary });
  }
  return asking.decision;
}

/** An id in the form of a UUID version 7, from the clock and the random numbers of the workflow. */
function newApprovalId(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `approval-${time.slice(0, 8)}-${time.slice(8)}-7${uuid4().slice(15)}`;
}

function refusal(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
