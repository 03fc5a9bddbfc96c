/**
 * What the supervisor writes down (`run/state.json`) after every change: which processes are its own, at which addresses.
 * It is how status and stop know the platform, and how the next supervisor knows what a killed one left.
 */
import { findJson, writeJson } from './json-file.ts';
import { layOut } from './home.ts';
import type { ProcessIdentity } from './processes.ts';
import type { PortName } from './ports.ts';
import type { PartName, ServiceFacts } from './services/part.ts';

/** One part as it stood at the last change. */
export interface PartState {
  readonly name: PartName;
  /** Null while it does not run, and for a part that runs elsewhere. */
  readonly process: ProcessIdentity | null;
  readonly ready: boolean;
  /** How often it was started again since the platform started. */
  readonly restarts: number;
  readonly services: readonly ServiceFacts[];
}

/** How far the platform has come. */
export type Phase = 'starting' | 'ready' | 'stopping' | 'stopped' | 'failed';

/** The whole file. */
export interface PlatformState {
  readonly format: 1;
  readonly phase: Phase;
  /** Why it failed: an error's code and message. */
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly supervisor: ProcessIdentity;
  readonly ports: Readonly<Partial<Record<PortName, number>>>;
  readonly parts: readonly PartState[];
}

/** Replaces the state file in one step. */
export function writeState(home: string, state: PlatformState): void {
  writeJson(layOut(home).state, state);
}

/** Finds the state that the last supervisor of a data folder wrote; undefined before the first. */
export function findState(home: string): PlatformState | undefined {
  const content = findJson(layOut(home).state);
  const isState =
    typeof content === 'object' && content !== null && 'format' in content && content.format === 1;
  // Written whole by this program only, so its shape is not checked field by field.
  return isState ? (content as PlatformState) : undefined;
}
