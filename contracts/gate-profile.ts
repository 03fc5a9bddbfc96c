/** Which profile of checks is in force. Without zod: the command line asks it too. */
import type { GateProfile, Work } from './task.schema.ts';

/** Agents are held to the repository's own checks, unless the request names its gates or another profile. */
export function gateProfileOf(work: {
  readonly agent?: Work['agent'] | undefined;
  readonly gates?: readonly unknown[] | undefined;
  readonly gateProfile?: GateProfile | undefined;
}): GateProfile {
  if (work.gateProfile !== undefined) return work.gateProfile;
  return work.agent === 'command' || (work.gates ?? []).length > 0 ? 'none' : 'standard';
}
