/** Builds a program from one of the Go modules of `tools/`, telling how far it is. */
import { AppError } from '../../../contracts/errors.ts';
import { isAtLeast, oldest } from '../versions.ts';
import type { ProgramSearch } from './cache.ts';
import { findOnPath, findVersion, runProgram } from './run-program.ts';

/** Finds a Go that can build the modules of `tools/`; undefined when there is none, or it is too old. */
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
export interface GoBuild {
  /** What people call the program. */
  readonly title: string;
  /** The folder of the Go module that pins its version. */
  readonly moduleFolder: string;
  readonly importPath: string;
  /** What the linker writes into the program, such as its version. */
  readonly linkerFlags?: string;
  readonly file: string;
  readonly go: string;
}

/** Far above the about 4 minutes that two cores take, and below for ever. */
const timeoutMs = 60 * 60_000;

/**
 * Builds a program into a file. Cold this takes minutes, with all downloads; what Go keeps in its own caches is not done
 * again.
 * @throws PROGRAM_MISSING with the end of what Go said
 */
export async function buildGo(build: GoBuild, search: ProgramSearch): Promise<void> {
  const { title, importPath } = build;
  const run = {
    env: buildEnv(search.env),
    cwd: build.moduleFolder,
    timeoutMs,
    signal: search.signal,
  };

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
  const linker = build.linkerFlags === undefined ? [] : ['-ldflags', build.linkerFlags];
  const args = ['build', '-v', '-trimpath', ...linker, '-o', build.file, importPath];
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
