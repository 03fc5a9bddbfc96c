/** Downloads one of Temporal's programs from where its makers publish it, giving up at once where there is no way out. */
import { createWriteStream, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { temporalVersions } from '../versions.ts';
import type { ProgramSearch } from './cache.ts';
import { runProgram } from './run-program.ts';
import type { TemporalProgram } from './temporal.ts';

/** An archive and the file in it. */
interface Archive {
  readonly url: string;
  readonly member: string;
  readonly title: string;
}

/** How long a server may take to begin its answer: a closed network costs no more than this, once. */
const answerTimeoutMs = 2_000;
/** How long a download that has begun may stand still. */
const stallTimeoutMs = 20_000;
/** The smallest of the programs has 30 MB; less is an error page or a cut answer. */
const minSizeBytes = 10_000_000;

/**
 * Downloads a program into a file; false when there is no network, no archive for this machine, or the answer is not
 * what it should be.
 */
export async function downloadTemporal(
  program: TemporalProgram,
  file: string,
  search: ProgramSearch & { readonly fetch?: typeof fetch },
): Promise<boolean> {
  const archive = findArchive(program);
  if (archive === undefined) return false;
  const folder = `${file}.download`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    const packed = join(folder, 'archive.tar.gz');
    if (!(await fetchTo(packed, archive, search))) return false;
    const unpacked = await runProgram('tar', ['-xzf', packed, '-C', folder, archive.member], {
      env: search.env,
    });
    if (unpacked.code !== 0) return false;
    mkdirSync(dirname(file), { recursive: true });
    renameSync(join(folder, archive.member), file);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function findArchive(program: TemporalProgram): Archive | undefined {
  const system = process.platform;
  const cpu = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  if ((system !== 'linux' && system !== 'darwin') || cpu === undefined) return undefined;
  const { cli, server, ui } = temporalVersions;
  const github = 'https://github.com/temporalio';
  if (program === 'temporal') {
    const url = `https://temporal.download/cli/archive/v${cli}?platform=${system}&arch=${cpu}`;
    return { url, member: 'temporal', title: `Temporal ${cli}` };
  }
  if (program === 'temporal-ui') {
    const url = `${github}/ui-server/releases/download/v${ui}/ui-server_${ui}_${system}_${cpu}.tar.gz`;
    return { url, member: 'ui-server', title: `Temporal's web UI ${ui}` };
  }
  const url = `${github}/temporal/releases/download/v${server}/temporal_${server}_${system}_${cpu}.tar.gz`;
  return { url, member: program, title: `${program} ${server}` };
}

async function fetchTo(
  file: string,
  archive: Archive,
  search: ProgramSearch & { readonly fetch?: typeof fetch },
): Promise<boolean> {
  const silence = new AbortController();
  const signal = AbortSignal.any([
    silence.signal,
    ...(search.signal === undefined ? [] : [search.signal]),
  ]);
  let watchdog = setTimeout(() => silence.abort(), answerTimeoutMs);
  const request = (search.fetch ?? fetch)(archive.url, { signal, redirect: 'follow' });
  const response = await request.catch(() => undefined);
  clearTimeout(watchdog);
  if (response?.ok !== true || response.body === null) return false;

  const step = search.reporter.step(`Downloading ${archive.title}, once`);
  let sizeBytes = 0;
  const body = Readable.fromWeb(response.body);
  body.on('data', (chunk: Uint8Array) => {
    sizeBytes += chunk.length;
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      silence.abort();
    }, stallTimeoutMs);
    step.update(`${String(Math.round(sizeBytes / 1_000_000))} MB`);
  });
  try {
    await pipeline(body, createWriteStream(file));
  } finally {
    clearTimeout(watchdog);
    step.end(sizeBytes >= minSizeBytes ? 'done' : 'failed');
  }
  return sizeBytes >= minSizeBytes;
}
