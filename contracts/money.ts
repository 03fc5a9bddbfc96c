/** Amounts of money as people read them. */

/** `$1.25`; amounts below a dollar keep four decimals, below a hundredth of a cent six: nothing is shown as nothing. */
export function formatMicroUsd(microUsd: number): string {
  const decimals = microUsd === 0 || microUsd >= 1_000_000 ? 2 : microUsd < 100 ? 6 : 4;
  return `$${(microUsd / 1_000_000).toFixed(decimals)}`;
}
