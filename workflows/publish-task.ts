/** Publishing the kept work of an ended task, for a person who waits: a short workflow that the API awaits. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { TimeoutType } from '@temporalio/common';
import type { PublishAnswer, PublishInput } from '../contracts/activities.ts';
import { isErrorCode } from '../contracts/errors.ts';
import { publishing, publishingOn } from './activity-options.ts';

/** Workflow `publishTask`. What went wrong is an answer, too. */
export async function publishTask(input: PublishInput): Promise<PublishAnswer> {
  const summary = `publish · ${input.ref.taskId}`;
  try {
    const first = await publishing.publishWork.executeWithOptions({ summary }, [input]);
    if (first.next === 'end') return { ok: true, ...first.published };
    const there = await publishingOn(first.hostQueue).publishWork.executeWithOptions({ summary }, [
      { ...input, anyHost: true },
    ]);
    if (there.next === 'end') return { ok: true, ...there.published };
    return { ok: false, errorCode: 'INTERNAL', error: 'no host took the work' };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const { cause } = error;
    if (cause instanceof TimeoutFailure && cause.timeoutType === TimeoutType.SCHEDULE_TO_START) {
      const where = 'no worker of the agents pool on the host that has the commits took it in time';
      return { ok: false, errorCode: 'WORKERS_MISSING', error: where };
    }
    const code = cause instanceof ApplicationFailure ? cause.type : undefined;
    return {
      ok: false,
      errorCode: isErrorCode(code) ? code : 'INTERNAL',
      error: cause?.message ?? error.message,
    };
  }
}
