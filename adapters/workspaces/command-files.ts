/** The files that a command names by absolute path: they are shown in its sandbox, and decide its result as its words do. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { normalize } from 'node:path';
import { isSystemPath } from './host-view.ts';

/** Finds the files and hashes command and contents. The same words and contents, the same digest. */
export async function describeCommand(
  command: string,
): Promise<{ readonly files: readonly string[]; readonly digest: string }> {
  const hash = createHash('sha256').update(JSON.stringify(command));
  const files: string[] = [];
  for (const path of pathsIn(command)) {
    if (!(await isFile(path))) continue;
    hash.update(JSON.stringify(path));
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    files.push(path);
  }
  return { files, digest: hash.digest('hex') };
}

/** The absolute paths among a command's words, also behind an equals sign (`--config=/x`), each once, system paths left out. */
export function pathsIn(command: string): string[] {
  const words = splitWords(command).flatMap((word) => [word, word.slice(word.indexOf('=') + 1)]);
  const paths = words
    .filter((word) => word.startsWith('/') && !word.includes('\0'))
    .map((word) => normalize(word));
  return [...new Set(paths)].filter(
    (path) => !isSystemPath(path) && !/^\/(proc|dev|sys|etc)(\/|$)/.test(path),
  );
}

/** Splits like a shell: blank space, quotes, backslashes, and the operators that end a word. Expands nothing. */
export function splitWords(command: string): string[] {
  const parts =
    /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\;&|<>()`]+)|([\s;&|<>()`]+)|(['"\\])/g;
  const words: string[] = [];
  let word: string | undefined;
  for (const [, single, double, escaped, plain, gap] of command.matchAll(parts)) {
    if (gap !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word =
      (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '');
  }
  if (word !== undefined) words.push(word);
  return words;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}
