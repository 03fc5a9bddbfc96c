/** Looking for a commit among a repository's own objects, loose or packed (gitformat-pack(5)), without a process. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { namesIn } from './small-files.ts';

/** Commits are small; what does not fit is not worth reading here. */
const maxStoredBytes = 16_384;
const maxBytes = 262_144;

const idBytes = 20;
/** Of a pack's index: magic, version, and how many ids there are up to each first byte. */
const indexHeadBytes = 8 + 256 * 4;
const indexMagic = 'ff744f6300000002';
/** Kind of an object in a pack; deltas are other kinds. */
const commitKind = 1;

/**
 * Whether a repository has a commit, whole and with the hash that it is named by. False when that cannot be told: it may
 * be borrowed, stored as a delta, or no commit.
 */
export function holdsCommit(commonDir: string, id: string): boolean {
  const objects = join(commonDir, 'objects');
  return isLooseCommit(join(objects, id.slice(0, 2), id.slice(2)), id) || isPacked(objects, id);
}

function isLooseCommit(path: string, id: string): boolean {
  const stored = readPart(path, 0, maxStoredBytes);
  return stored !== undefined && isCommit(inflate(stored), id);
}

function isPacked(objects: string, id: string): boolean {
  const folder = join(objects, 'pack');
  return namesIn(folder)
    .filter((name) => name.endsWith('.idx'))
    .map((name) => join(folder, name))
    .filter(isFile)
    .some((index) => {
      const offset = findOffset(index, Buffer.from(id, 'hex'));
      return offset !== undefined && isPackedCommit(index, offset, id);
    });
}

function isPackedCommit(index: string, offset: number, id: string): boolean {
  const stored = readPart(index.replace(/\.idx$/, '.pack'), offset, maxStoredBytes);
  if (stored === undefined || (((stored[0] ?? 0) >> 4) & 7) !== commitKind) return false;
  // Kind and size come first; the highest bit of each byte says whether another one follows.
  const content = inflate(stored.subarray(stored.findIndex((byte) => byte < 0x80) + 1));
  return isCommit(Buffer.concat([Buffer.from(`commit ${content.length}\0`), content]), id);
}

/** Where in its pack an object begins. */
function findOffset(index: string, id: Buffer): number | undefined {
  const file = openSync(index, 'r');
  try {
    const head = readAt(file, 0, indexHeadBytes);
    if (head.toString('hex', 0, 8) !== indexMagic) return undefined;
    const countUpTo = (byte: number): number => (byte < 0 ? 0 : head.readUInt32BE(8 + byte * 4));
    const [first, total] = [id[0] ?? 0, countUpTo(255)];
    const from = countUpTo(first - 1);
    const ids = readAt(file, indexHeadBytes + from * idBytes, (countUpTo(first) - from) * idBytes);
    let at = ids.indexOf(id);
    // The bytes of an id may also lie across two others.
    while (at !== -1 && at % idBytes !== 0) at = ids.indexOf(id, at + 1);
    if (at === -1) return undefined;
    // Behind the ids: a checksum of 4 bytes each, then the offsets.
    const place = indexHeadBytes + total * (idBytes + 4) + (from + at / idBytes) * 4;
    const offset = readAt(file, place, 4).readUInt32BE(0);
    // Beyond 2 GB it stands elsewhere.
    return offset < 2 ** 31 ? offset : undefined;
  } finally {
    closeSync(file);
  }
}

function isCommit(object: Buffer, id: string): boolean {
  return (
    /^commit \d+\0tree [0-9a-f]{40}\n/.test(object.toString('latin1', 0, 80)) &&
    createHash('sha1').update(object).digest('hex') === id
  );
}

function inflate(bytes: Uint8Array): Buffer {
  return inflateSync(bytes, { maxOutputLength: maxBytes });
}

/** Reads at most so many bytes; undefined when there is no such file. */
function readPart(path: string, position: number, length: number): Buffer | undefined {
  if (!isFile(path)) return undefined;
  const file = openSync(path, 'r');
  try {
    return readAt(file, position, length);
  } finally {
    closeSync(file);
  }
}

/** Whether there is a file; what is none could keep this process waiting. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}
