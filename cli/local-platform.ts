/** The platform of this machine, as commands that speak to it see it. What runs it is loaded only to start it. */
import type { ReportStream } from './dev/progress.ts';
import { findHome, findLocalApiKey, layOut } from './dev/home.ts';
import { findLockHolder } from './dev/lock.ts';
import { findState } from './dev/state.ts';
import type { Address } from './api-client.ts';

/** Finds the way to the local API; undefined when no platform runs, or it is still starting. */
export function findLocalAddress(env: NodeJS.ProcessEnv): Address | undefined {
  const home = findHome(env);
  if (findLockHolder(layOut(home).supervisorLock) === undefined) return undefined;
  const state = findState(home);
  const url = state?.parts.find((part) => part.name === 'api')?.services[0]?.url;
  const key = findLocalApiKey(home);
  return state?.phase === 'ready' && url !== undefined && key !== undefined
    ? { url, key }
    : undefined;
}

/** Starts the platform in the background, or waits for the one that is starting. @throws PROGRAM_MISSING, PART_FAILED … */
export async function startLocalPlatform(
  env: NodeJS.ProcessEnv,
  stderr: ReportStream,
): Promise<void> {
  const [{ startPlatformInBackground }, { Reporter }] = await Promise.all([
    import('./dev/platform.ts'),
    import('./dev/progress.ts'),
  ]);
  await startPlatformInBackground({ home: findHome(env), env }, new Reporter(stderr));
}
