/**
 * Callers of the limiter in a process of their own: each reserves, repeats it once with the same id, calls for a while,
 * settles, and begins anew until the time is over. Prints every admission.
 *
 *   node limiter-callers.process.ts '{"url", "account", "callers", "untilMs", "callMs", "error", "limits": [...]}'
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitScope } from '../../../adapters/ports.ts';
import { AppError } from '../../../contracts/errors.ts';
import { aReserve, charges, held, openLimiterWorld, untilGo } from './limiter-world.ts';

/** What the process is told. */
export interface CallersTask {
  readonly url: string;
  readonly account: string;
  readonly callers: number;
  /** ms since 1970 */
  readonly untilMs: number;
  readonly callMs: number;
  /** Largest share by which an estimate is off. */
  readonly error: number;
  readonly scopes: readonly LimitScope[];
}

/** What it prints. */
export interface CallersResult {
  /** Redis' time in µs, and what the call really cost in tokens. */
  readonly admissions: readonly (readonly [number, number])[];
  readonly replays: number;
  readonly replaysCharged: number;
  readonly lost: number;
}

const task = JSON.parse(process.argv[2] ?? '') as CallersTask;
const world = openLimiterWorld(task.url);
const limiter = await world.limiter();
const admissions: [number, number][] = [];
let [replays, replaysCharged, lost] = [0, 0, 0];
const over = (): boolean => Date.now() >= task.untilMs;

/**
 * Repeats what Redis did not answer within 100 ms, as on a loaded machine. Whether it took effect is not known, and need
 * not be.
 */
async function persist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      lost += 1;
      await sleep(20);
    }
  }
}

async function call(): Promise<void> {
  const estimated = 50 + Math.floor(Math.random() * 100);
  const request = aReserve(task.account, task.scopes, {
    estimate: charges({ uncached_input: estimated }),
    horizonMs: 60_000,
  });
  const answer = await persist(() => untilGo(limiter, request, over));
  if (answer === undefined) return;
  const real = Math.round(estimated * (1 + task.error * (2 * Math.random() - 1)));
  // The grant is the moment of the charge; an answer that was lost and asked for again is younger.
  admissions.push([answer.grant, real]);
  const again = await persist(() => limiter.reserve(request));
  replays += 1;
  if (again.kind !== 'go' || again.grant !== answer.grant) replaysCharged += 1;
  await sleep(task.callMs);
  const actual = charges({ uncached_input: real });
  await persist(() => limiter.settle(held(request, answer), { kind: 'success', actual }));
}

async function work(): Promise<void> {
  while (!over()) await call();
}
await Promise.all(Array.from({ length: task.callers }, work));
world.close();
const result: CallersResult = { admissions, replays, replaysCharged, lost };
process.stdout.write(JSON.stringify(result));
