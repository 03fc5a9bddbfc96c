/** Amounts of money as people read them. */

/** Micro-US-dollars for people, with as many digits as it takes. */
export function dollars(microUsd: number): string {
  const text = (microUsd / 1_000_000).toFixed(6).replace(/0{1,4}$/, '');
  return `$${text}`;
}
