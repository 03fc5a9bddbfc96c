/** Builds one of Temporal's programs from the Go module `tools/temporal`, telling how far it is. */
import { join } from 'node:path';
import { AppError } from '../../../contracts/errors.ts';
import { checkoutRoot } from '../checkout.ts';
import { isAtLeast, oldest, temporalVersions } from '../versions.ts';
import { findOnPath, findVersion, runProgram } from './run-program.ts';
import type { TemporalProgram, TemporalSearch } from './temporal.ts';

/** Each program's import path in the tools module, and what people call it. */
const sources: Record<TemporalProgram, { readonly importPath: string; readonly title: string }> = {
  temporal: {
    importPath: 'github.com/temporalio/cli/cmd/temporal',
    title: `Temporal ${temporalVersions.cli}`,
  },
  'temporal-server': {
    importPath: 'go.temporal.io/server/cmd/server',
    title: `the Temporal server ${temporalVersions.server}`,
  },
  'temporal-sql-tool': {
    importPath: 'go.temporal.io/server/cmd/tools/sql',
    title: `Temporal's SQL tool ${temporalVersions.server}`,
  },
  'temporal-ui': {
    importPath: 'github.com/temporalio/ui-server/v2/cmd/server',
    title: `Temporal's web UI ${temporalVersions.ui}`,
  },
};

/** Finds a Go that can build the tools module; undefined when there is none, or it is too old. */
export async function findGo(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly file: string; readonly version: string } | undefined> {
  const onPath = findOnPath('go', env) ?? findOnPath('go', { PATH: '/usr/local/go/bin' });
  if (onPath === undefined) return undefined;
  const version = await findVersion(onPath, buildEnv(env), ['env', 'GOVERSION']);
  return version !== undefined && isAtLeast(version, oldest.go)
    ? { file: onPath, version }
    : undefined;
}

/** `local`: never another Go than the one that was found. No cgo: no C compiler, and a binary that runs anywhere. */
function buildEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return {
    ...env,
    GOTOOLCHAIN: 'local',
    CGO_ENABLED: '0',
    GOFLAGS: '',
    GOWORK: 'off',
    GO111MODULE: 'on',
  };
}

/** What to build, where to, with which Go. */
export interface TemporalBuild {
  readonly program: TemporalProgram;
  readonly file: string;
  readonly go: string;
}

/** Far above the about 4 minutes that two cores take, and below for ever. */
const timeoutMs = 60 * 60_000;

/**
 * Builds a program into a file. Cold this takes about 4 minutes on two cores with all downloads; what Go keeps in its
 * own caches is not done again.
 * @throws PROGRAM_MISSING with the end of what Go said
 */
export async function buildTemporal(build: TemporalBuild, search: TemporalSearch): Promise<void> {
  const { importPath, title } = sources[build.program];
  const folder = join(checkoutRoot(), 'tools', 'temporal');
  const run = { env: buildEnv(search.env), cwd: folder, timeoutMs, signal: search.signal };

  const fetching = search.reporter.step(`Fetching the sources of ${title}, once`);
  const downloads = counter((count) => {
    fetching.update(`${String(count)} modules`);
  });
  const listed = await runProgram(build.go, ['list', '-deps', importPath], {
    ...run,
    onErrorLine: (line) => {
      if (line.startsWith('go: downloading')) downloads.next();
    },
  });
  fetching.end(listed.code === 0 ? 'done' : 'failed');
  if (listed.code !== 0) throw buildError(title, listed.stderr);

  const total = listed.stdout.split('\n').filter((line) => line !== '').length;
  const building = search.reporter.step(`Building ${title}, once`);
  const packages = counter((count) => {
    building.update(`${String(Math.min(count, total))} of ${String(total)} packages`);
  });
  const args = ['build', '-v', '-trimpath', '-o', build.file, importPath];
  const built = await runProgram(build.go, args, { ...run, onErrorLine: packages.next });
  building.end(built.code === 0 ? 'done' : 'failed');
  if (built.code !== 0) throw buildError(title, built.stderr);
}

function counter(onChange: (count: number) => void): { readonly next: () => void } {
  let count = 0;
  return {
    next: () => {
      count += 1;
      onChange(count);
    },
  };
}

function buildError(title: string, output: string): AppError {
  const end = output.trim().split('\n').slice(-5).join('\n');
  return new AppError('PROGRAM_MISSING', `Go could not build ${title}:\n${end}`);
}
