/** Names of what the limiter keeps in Redis; reserve.lua says what they hold. */
import type { LimitScope } from '../../ports.ts';

// `rl2` is the layout: a rolling deploy never mixes two. The account is the hash tag, so that all keys of a call are in
// one slot of a Redis Cluster.
const keyOf = (account: string, rest: string): string => `rl2:{${account}}:${rest}`;

/** Record of a reservation. */
export const recordKey = (account: string, id: string): string => keyOf(account, `res:${id}`);
/** Pause, speed and breaker of a model. */
export const gateKey = (account: string, model: string): string => keyOf(account, `gate:${model}`);
/** Leases of a scope. */
export const leasesKey = (account: string, { name }: LimitScope): string =>
  keyOf(account, `inflight:${name}`);

/**
 * State of a scope. The names of its dimensions belong to the key: with other dimensions the scope is another one and
 * starts empty, instead of reading one dimension's numbers as another's.
 */
export function stateKey(account: string, { name, dimensions }: LimitScope): string {
  const layout = dimensions.map((each) => (each.kind === 'rate' ? each.name : `${each.name}@`));
  return keyOf(account, `s:${name}:${layout.join()}`);
}
