/** What follows a committed change: its readers are told, and the relay carries its messages to Temporal. */
import type { ApiDeps } from '../deps.ts';

/** Tells those who follow the streams, and wakes the relay. Nothing is lost when the process dies before or in it. */
export async function afterCommit(
  deps: Pick<ApiDeps, 'live' | 'wakeRelay' | 'crashPoint'>,
  ...streamIds: readonly (string | undefined)[]
): Promise<void> {
  await deps.crashPoint('api.tx.afterCommit.beforeStart');
  for (const streamId of streamIds) {
    if (streamId !== undefined) deps.live.publish({ kind: 'events', streamId });
  }
  deps.wakeRelay();
}
