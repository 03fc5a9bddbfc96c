/** How quiet the machine was: figures of a busy one tell little. */
import { availableParallelism } from 'node:os';
import { readCpu, readMachineCpu } from './processes.ts';

const sampleMs = 1_000;

/**
 * Begins to watch; the answer ends it and tells the share of the machine's CPU, 0–1, that processes have used which this
 * one did not start. Sampled, since the CPU time of a process that outlived its parent changes sides.
 */
export function watchForeignLoad(): () => number {
  const read = () => {
    const { ownMs, childrenMs } = readCpu(process.pid);
    return { at: performance.now(), foreignMs: readMachineCpu() - ownMs - childrenMs };
  };
  const began = performance.now();
  let last = read();
  let usedMs = 0;
  const sample = (): void => {
    const next = read();
    const capacityMs = (next.at - last.at) * availableParallelism();
    usedMs += Math.min(Math.max(0, next.foreignMs - last.foreignMs), capacityMs);
    last = next;
  };
  const timer = setInterval(sample, sampleMs);
  return () => {
    clearInterval(timer);
    sample();
    return usedMs / ((last.at - began) * availableParallelism());
  };
}
