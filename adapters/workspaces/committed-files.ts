/**
 * Reads files of a commit from the mirror's objects: names and contents, never a work tree, never through a link. What is
 * asked for is bounded before it is read, as the repository is anybody's.
 */
import { AppError } from '../../contracts/errors.ts';
import type { CommittedFiles } from '../ports.ts';
import { gitMessage, type Git } from './git.ts';

/** Of names; at 60 bytes each about 60,000 files. */
const maxListBytes = 6 * 1_048_576;
/** A larger manifest is no manifest. */
const maxTextBytes = 524_288;
const timeoutMs = 60_000;

/** Reads the files at a commit. @throws WORKSPACE_FAILED */
export async function readCommitted(
  git: Pick<Git, 'run'>,
  mirror: string,
  { commit, wanted }: { readonly commit: string; readonly wanted: readonly string[] },
): Promise<CommittedFiles> {
  const run = async (args: readonly string[], more: { stdin?: string; maxOutputBytes: number }) => {
    const result = await git.run({ args: [`--git-dir=${mirror}`, ...args], timeoutMs, ...more });
    if (result.exitCode === 0 || result.cut) return result.stdout;
    throw new AppError('WORKSPACE_FAILED', `Cannot read ${commit}: ${gitMessage(result)}`);
  };
  const listed = await run(['ls-tree', '-r', '-z', '--full-tree', commit], {
    maxOutputBytes: maxListBytes,
  });
  // What follows the last zero byte was cut off.
  const files = listed.toString().split('\0').slice(0, -1).flatMap(toEntry);
  const asked = files.filter(({ path }) => wanted.includes(path));
  const paths = files.map(({ path }) => path);
  if (asked.length === 0) return { paths, texts: {} };

  const ids = asked.map(({ id }) => `${id}\n`).join('');
  const sizes = await run(['cat-file', '--batch-check=%(objectsize)'], {
    stdin: ids,
    maxOutputBytes: 65_536,
  });
  const bytes = sizes.toString().split('\n').map(Number);
  const small = asked.filter((_entry, place) => (bytes[place] ?? Infinity) <= maxTextBytes);
  if (small.length === 0) return { paths, texts: {} };
  const contents = await run(['cat-file', '--batch=%(objectsize)'], {
    stdin: small.map(({ id }) => `${id}\n`).join(''),
    maxOutputBytes: small.length * (maxTextBytes + 64),
  });
  return { paths, texts: split(contents, small) };
}

interface Entry {
  readonly path: string;
  readonly id: string;
}

/** `100644 blob <id>\t<path>`; links (120000) and submodules (160000) are no files. */
function toEntry(line: string): Entry[] {
  const match = /^100\d{3} blob ([0-9a-f]{40,64})\t([^]+)$/.exec(line);
  const [, id, path] = match ?? [];
  return id === undefined || path === undefined ? [] : [{ id, path }];
}

/** `<size>\n<bytes>\n` for each file, in the order in which they were asked for. */
function split(contents: Buffer, files: readonly Entry[]): Record<string, string> {
  const texts: [string, string][] = [];
  let at = 0;
  for (const { path } of files) {
    const end = contents.indexOf('\n', at);
    const size = Number(contents.toString('latin1', at, end));
    if (end === -1 || !Number.isSafeInteger(size)) break;
    texts.push([path, contents.toString('utf8', end + 1, end + 1 + size)]);
    at = end + size + 2;
  }
  return Object.fromEntries(texts);
}
