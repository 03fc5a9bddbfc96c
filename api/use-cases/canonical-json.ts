/** One text for equal data: what hashes are taken of. */
import { createHash } from 'node:crypto';

/** Prints JSON with the keys of every object sorted, so that equal data has one text. Absent and undefined are equal. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** SHA-256 of data, in hexadecimal; equal data, equal hash. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
