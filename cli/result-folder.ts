/** A folder that is filled file by file, each in one step, and that holds nothing else. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../contracts/errors.ts';
import { shortRepository } from './texts.ts';

/** What may lie in a result folder. */
const knownEntries = ['batch.json', 'lock.csv', 'items.csv', 'items'];

/**
 * Opens a folder for the results of a batch: new, empty, or an earlier export of the same batch.
 * @throws TARGET_EXISTS
 */
export function openResultFolder(path: string, batchId: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    mkdirSync(path, { recursive: true });
    return;
  }
  if (!stat.isDirectory()) throw new AppError('TARGET_EXISTS', `${path} is a file.`);
  const entries = readdirSync(path).filter((name) => !isLeftover(name));
  const foreign = entries.find((name) => !knownEntries.includes(name));
  if (foreign !== undefined)
    throw new AppError('TARGET_EXISTS', `${path} holds something else: ${foreign}.`);
  const owner = findOwner(path);
  if (owner !== undefined && owner !== batchId) {
    throw new AppError('TARGET_EXISTS', `${path} holds the results of ${owner}.`);
  }
}

/** What an interrupted export leaves. */
function isLeftover(name: string): boolean {
  return /\.\d+\.tmp$/.test(name);
}

/** The batch whose results a folder holds, told by batch.json or, before there is one, by any item. */
function findOwner(path: string): string | undefined {
  const whole = findJson(join(path, 'batch.json')) as { batch?: { id?: string } } | undefined;
  if (whole?.batch?.id !== undefined) return whole.batch.id;
  const items =
    statSync(join(path, 'items'), { throwIfNoEntry: false })?.isDirectory() === true
      ? readdirSync(join(path, 'items'))
      : [];
  for (const name of items) {
    const item = findJson(join(path, 'items', name, 'item.json')) as
      { batchId?: string } | undefined;
    if (item?.batchId !== undefined) return item.batchId;
  }
  return undefined;
}

function findJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Writes a file of the folder in one step: a reader sees the old one or the new one. */
export function writeResult(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** File systems take 255 bytes; a count may follow. */
const longestName = 200;

/** Names a folder for each repository, in their order: `owner__name`, further ones of the same name `owner__name__2`. */
export function nameFolders(repositories: readonly string[]): string[] {
  const taken = new Set<string>();
  return repositories.map((repository) => {
    const name = shortRepository(repository)
      .replace(/\//g, '__')
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, longestName);
    let folder = name;
    for (let count = 2; taken.has(folder.toLowerCase()); count += 1) folder = `${name}__${count}`;
    taken.add(folder.toLowerCase()); // Some file systems know no case.
    return folder;
  });
}
