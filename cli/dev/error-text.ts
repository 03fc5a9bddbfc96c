/**
 * Reads errors by their shape. `instanceof Error` is false for what Node itself throws when the code runs in another
 * realm, as it does under Jest.
 */

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  const hasMessage = typeof error === 'object' && error !== null && 'message' in error;
  return hasMessage ? String(error.message) : String(error);
}

/** The code of an error of the system, such as `EEXIST`; undefined for other errors. */
export function systemCodeOf(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}
