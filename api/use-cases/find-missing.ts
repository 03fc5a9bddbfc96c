/** Readiness: which of the services that the API needs does not answer. */
import type { Dependency } from '../deps.ts';

/** Time that a service gets to answer: probes of a cluster wait a few seconds at most. */
const answerLimitMs = 2_000;

/** Asks all services at once, and answers the first of them, in their order, that did not say yes in time. */
export async function findMissing(
  dependencies: readonly Dependency[],
  limitMs = answerLimitMs,
): Promise<Dependency | undefined> {
  const answers = await Promise.all(
    dependencies.map((dependency) => isReadyInTime(dependency, limitMs)),
  );
  return dependencies.find((_dependency, index) => answers[index] !== true);
}

async function isReadyInTime(dependency: Dependency, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  try {
    return await Promise.race([dependency.isReady(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
