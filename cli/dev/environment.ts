/** Environments for child processes: the caller's, without what was meant for another server of the same kind. */

/** What the clients and servers of PostgreSQL read: PGHOST, PGDATA, PGSSLMODE and their like. */
export const postgresVariables = /^PG[A-Z]+$/;
/** What Temporal's programs and SDKs read. */
export const temporalVariables = /^TEMPORAL_/;

/** A copy without the variables whose names match any of the patterns. */
export function withoutVariables(
  env: NodeJS.ProcessEnv,
  ...patterns: readonly RegExp[]
): NodeJS.ProcessEnv {
  const copy: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (!patterns.some((pattern) => pattern.test(name))) copy[name] = value;
  }
  return copy;
}
