/** Looks at accounts from where calls are made: short workflows of one activity, started by the API, which awaits them. */
import { ActivityFailure, TimeoutFailure } from '@temporalio/workflow';
import type { AccountCredential, AccountName } from '../contracts/activities.ts';
import type { AccountTest } from '../contracts/providers.schema.ts';
import { accountTests, credentialLooks } from './activity-options.ts';

/** Workflow `testAccount`. Answers what was found; that no worker took it is an answer, too. */
export async function testAccount({ account }: AccountName): Promise<AccountTest> {
  try {
    return await accountTests.testAccount.executeWithOptions({ summary: `test · ${account}` }, [
      { account },
    ]);
  } catch (error) {
    if (!hasTimedOut(error)) throw error;
    return {
      ok: false,
      errorCode: 'WORKERS_MISSING',
      error: 'no worker of the models pool took the test in time',
    };
  }
}

/** Workflow `listCredentials`. Answers undefined when no worker took it. */
export async function listCredentials(): Promise<readonly AccountCredential[] | undefined> {
  try {
    return await credentialLooks.listCredentials();
  } catch (error) {
    if (!hasTimedOut(error)) throw error;
    return undefined;
  }
}

function hasTimedOut(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}
