/**
 * The SlotLeases port on Redis. The scripts decide (acquire-slots.lua and its siblings); this file waits.
 *
 * Those of this process who wait for the same scopes stand in one line (waiting-line.ts). Only its first asks Redis
 * again: when a release is published, and every second in case a lease has ended or a limit was changed. One who comes
 * new asks once before joining the line, as it may hold its slot already.
 */
import type { Redis } from 'ioredis';
import type { SlotLeases, SlotScope } from '../ports.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { loadScript } from './script.ts';
import type { Subscriptions } from './subscriptions.ts';
import { createWaitingLines } from './waiting-line.ts';

/** What slot leases are made of. */
export interface SlotLeasesOptions {
  readonly redis: Redis;
  readonly subscriptions: Subscriptions;
  readonly metrics: Pick<Metrics, 'slotRefilled'>;
  /** Life of a lease without renewal. Default 15 s, renewed every 5 s with the heartbeat. */
  readonly leaseMs?: number;
}

type AcquireRequest = Parameters<SlotLeases['acquire']>[0];

/** Slots as leases in Redis. */
export function createSlotLeases(options: SlotLeasesOptions): SlotLeases {
  const { redis, subscriptions, metrics, leaseMs = 15_000 } = options;
  const acquireSlots = loadScript(redis, 'acquire-slots.lua');
  const renewSlots = loadScript(redis, 'renew-slots.lua');
  const releaseSlots = loadScript(redis, 'release-slots.lua');
  const seedSlots = loadScript(redis, 'seed-slots.lua');

  // A lease whose holder lives ends only when Redis is away for longer than lease − renewal = 2/3 of a lease. A marker
  // must end before that, so that such a scope is filled from PostgreSQL before anybody is let in.
  const markerMs = Math.floor(leaseMs / 2);

  const lines = createWaitingLines({ subscriptions, metrics, lookMs: 1_000 });

  /** Answers whether the holder has a slot in all scopes now. */
  async function tryAcquire(
    tenantId: string,
    holder: string,
    scopes: readonly SlotScope[],
  ): Promise<boolean> {
    const keys = scopes.flatMap(({ name }) => [
      leasesKey(tenantId, name),
      markerKey(tenantId, name),
    ]);
    const args = [holder, leaseMs, markerMs, ...scopes.map(({ limit }) => limit)];
    let answer = await acquireSlots(keys, args);
    for (let scope = scopes[-answer - 1]; scope !== undefined; scope = scopes[-answer - 1]) {
      const scopeKeys = [leasesKey(tenantId, scope.name), markerKey(tenantId, scope.name)];
      await seedSlots(scopeKeys, [leaseMs, markerMs, ...(await scope.holders())]);
      answer = await acquireSlots(keys, args);
    }
    return answer === 0;
  }

  async function release(
    tenantId: string,
    holder: string,
    scopeNames: readonly string[],
  ): Promise<void> {
    const keys = scopeNames.map((name) => leasesKey(tenantId, name));
    await releaseSlots(keys, [holder, freedChannel(tenantId)]);
  }

  /** One try. What an abort has overtaken is given back. */
  async function attempt(request: AcquireRequest, scopes: readonly SlotScope[]): Promise<boolean> {
    const { tenantId, holder, signal } = request;
    const granted = await tryAcquire(tenantId, holder, scopes);
    if (granted && signal.aborted) {
      await release(
        tenantId,
        holder,
        scopes.map(({ name }) => name),
      );
      signal.throwIfAborted();
    }
    return granted;
  }

  async function acquire(request: AcquireRequest): Promise<void> {
    const scopes = await request.scopes();
    if (await attempt(request, scopes)) return;
    request.onWait?.();
    await lines.wait({
      line: [request.tenantId, ...scopes.map(({ name }) => name)].join(' '),
      channel: freedChannel(request.tenantId),
      signal: request.signal,
      attempt: async () => attempt(request, await request.scopes()),
    });
  }

  return {
    acquire: (request) => untilAborted(request.signal, () => acquire(request)),
    async renew(tenantId, holder, scopeNames, forMs = leaseMs) {
      const keys = scopeNames.flatMap((name) => [
        leasesKey(tenantId, name),
        markerKey(tenantId, name),
      ]);
      return (await renewSlots(keys, [holder, forMs, markerMs])) === scopeNames.length;
    },
    release,
  };
}

/** Settles as the work does, or at once with the signal's reason. */
function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', onAbort);
      });
  });
}

// The tenant is the hash tag: all keys of one call are in one slot of a Redis Cluster.
const leasesKey = (tenantId: string, scope: string): string => `ado:slots:{${tenantId}}:${scope}`;
const markerKey = (tenantId: string, scope: string): string =>
  `ado:slots:{${tenantId}}:${scope}:complete`;
const freedChannel = (tenantId: string): string => `ado:slots:{${tenantId}}:freed`;
