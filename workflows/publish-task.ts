/** Publishing the kept work of an ended task, for a person who waits: a short workflow that the API awaits. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { TimeoutType } from '@temporalio/common';
import type { AgentActivities, PublishAnswer, PublishInput } from '../contracts/activities.ts';
import { isErrorCode } from '../contracts/errors.ts';
import { publishing, publishingOn } from './activity-options.ts';

const noWorker = 'no worker of the agents pool took it in time';
const lateWorker =
  'the worker of the agents pool that took it did not end in time; publish once more, nothing is done twice';

/** Workflow `publishTask`. What went wrong is an answer, too. */
export async function publishTask(input: PublishInput): Promise<PublishAnswer> {
  const summary = `publish · ${input.ref.taskId}`;
  try {
    const first = await publishing.publishWork.executeWithOptions({ summary }, [input]);
    if (first.next === 'end') return { ok: true, ...first.published };
    const there = await publishThere(first.hostQueue, { ...input, anyHost: true }, summary);
    if (there.next === 'end') return { ok: true, ...there.published };
    return { ok: false, errorCode: 'INTERNAL', error: 'no host took the work' };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const { cause } = error;
    if (cause instanceof TimeoutFailure) {
      const error = isUntaken(cause) ? noWorker : lateWorker;
      return { ok: false, errorCode: 'WORKERS_MISSING', error };
    }
    const code = cause instanceof ApplicationFailure ? cause.type : undefined;
    return {
      ok: false,
      errorCode: isErrorCode(code) ? code : 'INTERNAL',
      error: cause?.message ?? error.message,
    };
  }
}

/** Has the host that made the commits publish them; when nobody takes it there, any host. */
async function publishThere(
  hostQueue: string,
  input: PublishInput,
  summary: string,
): ReturnType<AgentActivities['publishWork']> {
  try {
    return await publishingOn(hostQueue).publishWork.executeWithOptions({ summary }, [input]);
  } catch (error) {
    if (!(error instanceof ActivityFailure && isUntaken(error.cause))) throw error;
    return await publishing.publishWork.executeWithOptions({ summary }, [input]);
  }
}

function isUntaken(cause: unknown): boolean {
  return cause instanceof TimeoutFailure && cause.timeoutType === TimeoutType.SCHEDULE_TO_START;
}
