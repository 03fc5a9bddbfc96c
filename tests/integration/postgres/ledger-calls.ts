/** Calls to the ledger for one task, with telling defaults. */
import type { Actor, BudgetSpec, ReserveRequest } from '../../../adapters/ports.ts';
import type { PostgresWorld } from './postgres-world.ts';

export const taskBudget: BudgetSpec = { kind: 'task', id: 'a', limitMicroUsd: 1_000 };
export const tenantBudget: BudgetSpec = { kind: 'tenant', limitMicroUsd: 10_000 };

/** Binds the calls to what the current test works with. */
export function ledgerCalls(
  current: () => {
    readonly world: PostgresWorld;
    readonly actor: Actor;
    readonly taskId: string;
  },
) {
  /** A wish for 100 micro-dollars for the call `call-1`. */
  const aRequest = (changes: Partial<ReserveRequest> = {}): ReserveRequest => ({
    callId: 'call-1',
    taskId: current().taskId,
    amountMicroUsd: 100,
    budgets: [tenantBudget, taskBudget],
    ...changes,
  });
  const ledger = () => current().world.ledger;
  const tenantId = () => current().actor.tenantId;

  return {
    aRequest,
    reserve: (changes?: Partial<ReserveRequest>) => ledger().reserve(tenantId(), aRequest(changes)),
    settle: (callId: string, costMicroUsd: number) =>
      ledger().settle(tenantId(), callId, costMicroUsd),
    release: (callId: string) => ledger().release(tenantId(), callId),
    markUnknown: (callId: string) => ledger().markUnknown(tenantId(), callId),
    stateOf: async (budget: BudgetSpec) => (await ledger().listBudgets(tenantId(), [budget]))[0],
  };
}
