/**
 * Finds Temporal's programs: on PATH (its command line only), in ado's cache, by download where there is a way out, and
 * at last built from `tools/temporal` with Go. Downloads and builds happen once: they fill the cache, under a lock.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../contracts/errors.ts';
import { findCache } from '../home.ts';
import { isAtLeast, oldest, temporalVersions } from '../versions.ts';
import { getCached } from './cache.ts';
import type { ProgramSearch } from './cache.ts';
import { findGo } from './go-build.ts';
import { findOnPath, isExecutable, runProgram } from './run-program.ts';
import { buildTemporal } from './temporal-build.ts';
import { downloadTemporal } from './temporal-download.ts';

/** The programs that may be asked for; `ado dev` needs the first only, the tests need the others. */
export type TemporalProgram = 'temporal' | 'temporal-server' | 'temporal-sql-tool' | 'temporal-ui';

/** A Temporal command line that can be run, with what is inside it. */
export interface TemporalCli {
  readonly file: string;
  readonly server: string;
  readonly ui: string;
}

/** The folder of the cache for the pinned versions. */
export function temporalCache(env: NodeJS.ProcessEnv): string {
  const { cli, server, ui } = temporalVersions;
  return join(findCache(env), `temporal-${cli}-${server}-${ui}`);
}

/**
 * Returns Temporal's command line, whose dev server the embedded platform runs.
 * @throws PROGRAM_MISSING
 */
export async function getTemporalCli(search: ProgramSearch): Promise<TemporalCli> {
  const found = await findTemporalCli(search.env);
  if (found !== undefined) return found;
  return pinned(await getTemporalProgram('temporal', search));
}

/** Finds the command line on PATH or in the cache; nothing is downloaded or built. */
export async function findTemporalCli(env: NodeJS.ProcessEnv): Promise<TemporalCli | undefined> {
  const onPath = findOnPath('temporal', env);
  if (onPath !== undefined) {
    const { stdout } = await runProgram(onPath, ['--version'], { env });
    const parsed = parseTemporalVersion(stdout);
    if (parsed !== undefined) return { file: onPath, ...parsed };
  }
  const cached = join(temporalCache(env), 'temporal');
  return isExecutable(cached) ? pinned(cached) : undefined;
}

function pinned(file: string): TemporalCli {
  return { file, server: temporalVersions.server, ui: temporalVersions.ui };
}

/**
 * Reads `temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)`; undefined when it is too old or something else. One built
 * with plain Go calls itself 0.0.0-DEV, so its server decides.
 */
export function parseTemporalVersion(
  text: string,
): { readonly server: string; readonly ui: string } | undefined {
  const match = /^temporal version (\S+) \(Server (\S+), UI ([^\s)]+)\)/m.exec(text);
  const [, cli = '', server = '', ui = ''] = match ?? [];
  const isDevelopment = cli.startsWith('0.0.0');
  const isNewEnough = isDevelopment
    ? isAtLeast(server, oldest.temporalServer)
    : isAtLeast(cli, oldest.temporalCli);
  return match !== null && isNewEnough ? { server, ui } : undefined;
}

/**
 * Returns one of Temporal's programs at the pinned version from the cache, filling it when needed.
 * @throws PROGRAM_MISSING naming what to install
 */
export async function getTemporalProgram(
  program: TemporalProgram,
  search: ProgramSearch,
): Promise<string> {
  const file = join(temporalCache(search.env), program);
  return getCached({ file, title: 'Temporal' }, search, async (temporary) =>
    fill(program, temporary, search),
  );
}

async function fill(program: TemporalProgram, file: string, search: ProgramSearch): Promise<void> {
  if ((await downloadTemporal(program, file, search)) && (await isRight(program, file, search.env)))
    return;
  rmSync(file, { force: true });
  const go = await findGo(search.env);
  if (go === undefined) throw new AppError('PROGRAM_MISSING', missingMessage());
  await buildTemporal({ program, file, go: go.file }, search);
  if (await isRight(program, file, search.env)) return;
  throw new AppError(
    'PROGRAM_MISSING',
    `${program} was built but does not run as version ${versionOf(program)}.`,
  );
}

function versionOf(program: TemporalProgram): string {
  if (program === 'temporal-ui') return temporalVersions.ui;
  return temporalVersions.server; // The command line tells its server's version, even when built without a stamp.
}

async function isRight(
  program: TemporalProgram,
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  const { code, stdout, stderr } = await runProgram(file, ['--version'], { env });
  return code === 0 && `${stdout}${stderr}`.includes(versionOf(program));
}

function missingMessage(): string {
  const { cli } = temporalVersions;
  const install =
    process.platform === 'darwin'
      ? 'brew install temporal'
      : `https://github.com/temporalio/cli/releases/tag/v${cli}`;
  return (
    `Temporal was not found on PATH or in the cache, and its download did not answer. ` +
    `Put the temporal command ${oldest.temporalCli} or newer on PATH (${install}), ` +
    `or install Go ${oldest.go} or newer (https://go.dev/dl/) to have it built, ` +
    `or set TEMPORAL_ADDRESS to a server that runs.`
  );
}
