/** The comparison: Temporal without ado. */

/** Its task queue. */
export const rawTaskQueue = 'bench-raw';
