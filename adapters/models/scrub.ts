/** Takes credentials out of sentences that were written by others. */

/** Longest piece of a provider's sentence that is shown: enough for the reason, too little for a quoted prompt. */
const shownChars = 240;
/** What looks like a key or token, whole or masked, wherever it comes from. */
const keyLike =
  /\b(?:sk|pk|rk|gsk|xai|hf|key|AIza)[-_]?[A-Za-z0-9*_.-]{8,}|\bBearer\s+\S+|[A-Za-z0-9+/_=*-]{40,}/g;

/**
 * Makes a provider's sentence fit to be shown: on one line, short, without anything that looks like a key.
 * @param known credentials that the call used, taken out whatever they look like
 */
export function scrub(text: string, known: ReadonlySet<string>): string {
  let clean = text;
  for (const credential of known) clean = clean.replaceAll(credential, '[credential]');
  clean = clean.replace(keyLike, '[credential]').replace(/\s+/g, ' ').trim();
  return clean.length > shownChars ? `${clean.slice(0, shownChars)}…` : clean;
}
