/** What is invisible in a text, made visible: a reader of a change must see what it holds, and it must steer nothing. */

/**
 * Control characters but tab and line feed; characters that turn the direction of what follows or are not seen at all
 * (CVE-2021-42574 and -42694, "Trojan Source"); line ends of Unicode; halves of characters.
 */
const invisible =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

/** Writes such characters out: `^[` for escape, `<U+202E>` for those that have no such form. */
export function reveal(text: string): string {
  return text.replace(invisible, (found) => {
    const code = found.codePointAt(0) ?? 0;
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
    return code === 0x7f ? '^?' : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}

/** A path on one line: as it is, or in quotes with escapes as git writes them where it holds what is not plain. */
export function quotePath(path: string): string {
  if (reveal(path) === path && !/[\t\n"\\]/.test(path)) return path;
  const quoted = Array.from(path, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    if (character === '\t') return '\\t';
    if (character === '\n') return '\\n';
    return reveal(character) === character ? character : toOctal(character);
  });
  return `"${quoted.join('')}"`;
}

function toOctal(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => `\\${byte.toString(8).padStart(3, '0')}`,
  ).join('');
}
