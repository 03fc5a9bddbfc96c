/**
 * Tenants of one account in a process of their own: each has callers who come at a pace, ask until they may go, and
 * settle. Prints how long each call waited for its `go`, by tenant.
 *
 *   node limiter-tenants.process.ts '{"url", "account", "tenants": [...], "callers", "calls", "paceMs", "fromMs", "untilMs"}'
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitRequest, LimitScope } from '../../../adapters/ports.ts';
import {
  aRate,
  aReserve,
  aScopeOf,
  charges,
  held,
  openLimiterWorld,
  untilGo,
} from './limiter-world.ts';

/** What the process is told. */
export interface TenantsTask {
  readonly url: string;
  readonly account: string;
  /** Calls a second that the account allows, and how many tenants have a part of them. */
  readonly perSecond: number;
  readonly parts: number;
  /** Numbers of those that call from here. */
  readonly tenants: readonly number[];
  /** Callers of each tenant, calls of each caller, and the time between two of them. */
  readonly callers: number;
  readonly calls: number;
  readonly paceMs: number;
  /** ms since 1970 */
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What it prints. */
export interface TenantsResult {
  /** Per tenant of the task: ms that its calls waited. */
  readonly waitsMs: readonly (readonly number[])[];
  /** How often they asked, and how many calls had to ask more than once. */
  readonly asked: number;
  readonly heldBack: number;
}

const task = JSON.parse(process.argv[2] ?? '') as TenantsTask;
const { account, perSecond, parts } = task;
const world = openLimiterWorld(task.url);
const limiter = await world.limiter();
const over = (): boolean => Date.now() >= task.untilMs;
let [asked, heldBack] = [0, 0];
const asking = {
  ...limiter,
  reserve: (request: LimitRequest) => {
    asked += 1;
    return limiter.reserve(request);
  },
};

function scopesOf(tenant: number): LimitScope[] {
  const part = perSecond / parts;
  return [
    aScopeOf([aRate({ limit: perSecond, perMs: 1_000, burst: perSecond })]),
    aScopeOf([aRate({ limit: part, perMs: 1_000, burst: part })], {
      name: `tenant:${tenant}`,
      share: true,
    }),
  ];
}

async function work(scopes: readonly LimitScope[], waitsMs: number[]): Promise<void> {
  await sleep(Math.max(1, task.fromMs - Date.now()) + Math.random() * task.paceMs);
  for (let call = 0; call < task.calls && !over(); call += 1) {
    const request = aReserve(account, scopes, { horizonMs: 300_000 });
    const began = performance.now();
    const first = await asking.reserve(request);
    if (first.kind !== 'go') heldBack += 1;
    const answer = first.kind === 'go' ? first : await untilGo(asking, request, over);
    if (answer === undefined) return;
    waitsMs.push(performance.now() - began);
    await limiter.settle(held(request, answer), { kind: 'success', actual: charges() });
    await sleep(task.paceMs);
  }
}

const waitsMs = task.tenants.map((): number[] => []);
// The first call of a connection is not what is measured.
await limiter.peek(account, 'model-1', scopesOf(0));
await Promise.all(
  task.tenants.flatMap((tenant, index) =>
    Array.from({ length: task.callers }, () => work(scopesOf(tenant), waitsMs[index] ?? [])),
  ),
);
world.close();
process.stdout.write(JSON.stringify({ waitsMs, asked, heldBack } satisfies TenantsResult));
