/** Looks at accounts. They change nothing, so a repeated call only looks again. */
import { activityInfo } from '@temporalio/activity';
import type { AccountActivities } from '../contracts/activities.ts';
import type { ActivityDeps } from './deps.ts';
import { toActivityFailure } from './failures.ts';

/** Makes the activities `testAccount` and `listCredentials`. Both fail with a defect only: what they find is an answer. */
export function createAccountActivities({
  accounts,
}: Pick<ActivityDeps, 'accounts'>): AccountActivities {
  return {
    testAccount: ({ account }) => accounts.test(account).catch(fail),
    listCredentials: () => accounts.listCredentials().catch(fail),
  };
}

function fail(error: unknown): never {
  throw toActivityFailure(error, activityInfo().attempt);
}
