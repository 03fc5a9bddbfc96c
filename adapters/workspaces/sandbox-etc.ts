/**
 * The /etc of every sandbox: one folder in the data folder, with copies of the harmless part of the host's and with made-up
 * accounts. One folder, because bubblewrap reads the whole table of mounts for each mount that it makes: with each of
 * twenty-five files mounted by itself a sandbox took 15 ms, so it takes 8 (measured).
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { namesIn } from './small-files.ts';

/** What programs need of /etc. Accounts and host names are not among it: those files are made up. */
const shownNames = [
  ...['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'alternatives', 'nsswitch.conf', 'localtime'],
  ...['timezone', 'ssl/certs', 'ssl/openssl.cnf', 'ca-certificates', 'pki/tls/certs'],
  ...['pki/ca-trust/extracted', 'crypto-policies', 'mime.types', 'protocols', 'services', 'magic'],
  ...['fonts', 'terminfo', 'perl', 'maven/m2.conf', 'maven/logging'],
];
/** Folders of language runtimes, which have versions in their names. */
const shownPattern = /^(java-|python3|php)/;

const madeUp = {
  passwd:
    'root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:65534:65534:agent:/home/agent:/bin/sh\n',
  group: 'root:x:0:\nagent:x:65534:\n',
  hosts: '127.0.0.1 localhost ado\n::1 localhost ado\n',
} as const;

/** A file's bytes, or where a link leads. */
type Content = { readonly bytes: Buffer } | { readonly target: string };

/**
 * Makes the folder and answers its path, which names its content: a folder that is there is used again, and one that
 * running sandboxes show is never changed. What the host changes later is seen by the next start.
 */
export function makeSandboxEtc(dataDir: string): string {
  const contents = new Map<string, Content>(
    Object.entries(madeUp).map(([name, text]) => [name, { bytes: Buffer.from(text) }]),
  );
  const versioned = namesIn('/etc').filter((name) => shownPattern.test(name));
  for (const name of [...shownNames, ...versioned]) {
    // The name itself may be a link to anywhere; links below it stay links.
    const source = attempt(() => realpathSync(join('/etc', name)));
    if (source !== undefined) collect(source, name, contents);
  }

  const folder = join(dataDir, 'sandbox', `etc-${digestOf(contents)}`);
  if (existsSync(folder)) return folder;
  const next = join(dataDir, 'sandbox', `.new-${randomUUID()}`);
  for (const [name, content] of contents) {
    const path = join(next, name);
    mkdirSync(dirname(path), { recursive: true });
    if ('target' in content) symlinkSync(content.target, path);
    else writeFileSync(path, content.bytes, { mode: 0o444 });
  }
  try {
    renameSync(next, folder);
  } catch (error) {
    rmSync(next, { recursive: true });
    // Another process was first.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Takes up a file, a link, or all that is in a folder. What cannot be read is left out. */
function collect(source: string, name: string, contents: Map<string, Content>): void {
  const found = attempt(() => lstatSync(source));
  if (found?.isDirectory() === true) {
    for (const child of namesIn(source).sort())
      collect(join(source, child), join(name, child), contents);
  } else if (found?.isSymbolicLink() === true) {
    const target = attempt(() => readlinkSync(source));
    if (target !== undefined) contents.set(name, { target });
  } else if (found?.isFile() === true) {
    const bytes = attempt(() => readFileSync(source));
    if (bytes !== undefined) contents.set(name, { bytes });
  }
}

function digestOf(contents: ReadonlyMap<string, Content>): string {
  const hash = createHash('sha256');
  for (const [name, content] of contents) {
    const data = 'target' in content ? content.target : content.bytes;
    hash.update(`${name}\0${'target' in content ? 'link' : 'file'}\0${data.length}\0`).update(data);
  }
  return hash.digest('hex').slice(0, 16);
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
