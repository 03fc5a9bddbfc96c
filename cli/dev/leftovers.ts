/** Ends what a supervisor that was killed has left, as its state file names it: by pid and start time, never by name. */
import { layOut } from './home.ts';
import { endOrphans, endProcess, isAlive } from './processes.ts';
import type { ProcessIdentity } from './processes.ts';
import { clearDeadPostmaster } from './services/postmaster-file.ts';
import { stopSteps } from './services/part.ts';
import type { PartName } from './services/part.ts';
import { findState } from './state.ts';

/** A process that has no supervisor any more. */
export interface Leftover {
  readonly name: PartName;
  readonly process: ProcessIdentity;
}

/** Lists the parts of a data folder that still run without their supervisor. */
export function listLeftovers(home: string): Leftover[] {
  const parts = findState(home)?.parts ?? [];
  return parts.flatMap(({ name, process }) =>
    process !== null && isAlive(process) ? [{ name, process }] : [],
  );
}

/** Ends them in the order of a stop, and what parts that are dead already left in turn. */
export async function endLeftovers(home: string): Promise<void> {
  for (const part of findState(home)?.parts ?? [])
    if (part.process !== null) endOrphans(part.process);
  const leftovers = listLeftovers(home);
  for (const wave of stopWaves(leftovers)) {
    await Promise.all(wave.map(async ({ name, process }) => endProcess(process, stopSteps[name])));
  }
  await clearDeadPostmaster(layOut(home).postgres);
}

/**
 * The order of a stop: first the API, which takes requests in; then the worker; then what both need, all at once, since
 * none of those needs another.
 */
export function stopWaves<Item extends { readonly name: PartName }>(
  items: readonly Item[],
): Item[][] {
  const waves = [['api'], ['worker'], ['temporal', 'redis', 'postgres']];
  return waves.map((names) => items.filter((item) => names.includes(item.name)));
}
