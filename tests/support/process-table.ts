/** The process table, as a test looks at it for what should not be there any more. */
import { readdirSync, readFileSync } from 'node:fs';

/** Processes of this machine whose command line holds a word that nothing else holds. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && commandLine(pid).includes(word));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // Gone meanwhile.
  }
}
