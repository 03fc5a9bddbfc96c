/** Work over many values, a few at a time. */

/**
 * Calls of the API that run at once when many items are read: a server on the same machine is not slowed down, one far
 * away is kept busy.
 */
export const callsAtOnce = 8;

/** Does the work for each value, at most `limit` at once; ends with the first error. */
export async function eachAtOnce<T>(
  values: readonly T[],
  limit: number,
  work: (value: T) => Promise<void>,
): Promise<void> {
  const queue = values.values();
  const runOne = async (): Promise<void> => {
    for (const value of queue) await work(value);
  };
  await Promise.all(Array.from({ length: limit }, runOne));
}
