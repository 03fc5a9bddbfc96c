/** What the code at hand works for: the ids that its log lines carry, and the span that its own spans belong to. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { TraceContext } from '../../contracts/trace.ts';

/** What something is done for. */
export interface Scope {
  /** Ids for log lines: `taskId`, `batchId`, `requestId`, `activity`, `attempt`. */
  readonly ids: Readonly<Record<string, string | number>>;
  readonly span?: TraceContext | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs work in a scope; what it starts belongs to it, too. Ids of the scope around it are kept. */
export function runInScope<T>(scope: Partial<Scope>, work: () => T): T {
  const around = scopes.getStore();
  const ids = { ...around?.ids, ...scope.ids };
  return scopes.run({ ids, span: scope.span ?? around?.span }, work);
}

/** What the code at hand works for; undefined outside of requests and activities. */
export function findScope(): Scope | undefined {
  return scopes.getStore();
}
