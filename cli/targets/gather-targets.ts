/** Gathers the targets of `run` and `plan`: from flags, files, patterns or stdin; opted out, filtered, sampled. */
import { randomInt } from 'node:crypto';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import picomatch from 'picomatch';
import { AppError } from '../../contracts/errors.ts';
import type { Cli } from '../cli.ts';
import { countOf } from '../texts.ts';
import { drawSample } from './sample.ts';
import { parseTargetFile } from './target-file.ts';
import type { WrittenTarget } from './target-file.ts';
import { namesOf, toRepository } from './target.ts';
import type { Target } from './target.ts';

/** Where targets come from, and which are taken. */
export interface TargetOptions {
  /** Values of --repos: a file, a pattern or `-`; a pattern that the shell expanded is several. */
  readonly repos: readonly string[];
  /** Values of --repo, or the project's repositories: paths, patterns or URLs. */
  readonly repo: readonly string[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly sample: number | undefined;
  readonly seed: string | undefined;
}

/**
 * Gathers the targets of a batch. Those that opted out (`.adoignore`, --exclude) are among them, marked.
 * @throws FILE_INVALID or USAGE
 */
export async function gatherTargets(cli: Cli, options: TargetOptions): Promise<Target[]> {
  const written: WrittenTarget[] = [];
  for (const value of options.repos) written.push(...(await readRepos(cli, value)));
  for (const value of options.repo) written.push(...expand(cli, value, '--repo'));
  const targets = written.map((target) => ({
    ...target,
    repository: toRepository(target.repository, cli.environment),
  }));
  const once = dropRepeated(targets);
  if (once.length < targets.length) {
    cli.terminal.note(`Left out ${countOf(targets.length - once.length, 'target')} named twice.`);
  }
  const { cwd } = cli.environment;
  const included = options.include.length === 0 ? once : once.filter(matcher(options.include, cwd));
  const optedOut = matcher([...options.exclude, ...readOptOuts(cwd)], cwd);
  const marked = included.map((target) =>
    optedOut(target) ? { ...target, skip: 'optout' as const } : target,
  );
  const taken = options.sample === undefined ? marked : takeSample(cli, marked, options);
  if (taken.length > 0) return taken;
  throw new AppError('USAGE', 'No target is left: the list is empty, or no target is included.');
}

async function readRepos(cli: Cli, value: string): Promise<WrittenTarget[]> {
  if (value === '-') return parseTargetFile('stdin', await cli.readStdin());
  if (isPattern(value)) return expand(cli, value, '--repos');
  const path = toRepository(value, cli.environment);
  if (!existsSync(path)) {
    throw new AppError('FILE_INVALID', `--repos names ${path}, which does not exist.`);
  }
  if (!statSync(path).isDirectory())
    return parseTargetFile(basename(path), readFileSync(path, 'utf8'));
  if (existsSync(join(path, '.git')) || existsSync(join(path, 'HEAD')))
    return [{ repository: path, source: '--repos' }];
  throw new AppError(
    'USAGE',
    `--repos names the folder ${value}; for the repositories in it write "${value.replace(/\/+$/, '')}/*".`,
  );
}

function isPattern(text: string): boolean {
  return /[*?[{]/.test(text) && !/^[a-z][a-z0-9+.-]*:\/\//i.test(text);
}

/** The folders that a pattern matches; any other text stands for itself. */
function expand(cli: Cli, value: string, source: string): WrittenTarget[] {
  if (!isPattern(value)) return [{ repository: value, source }];
  const { cwd, homeDir } = cli.environment;
  const pattern = value.startsWith('~/') ? join(homeDir, value.slice(2)) : value;
  const folders = globSync(pattern, { cwd, withFileTypes: true })
    .filter(
      (entry) =>
        entry.isDirectory() ||
        (entry.isSymbolicLink() && isFolder(join(entry.parentPath, entry.name))),
    )
    .map((entry) => resolve(cwd, entry.parentPath, entry.name))
    .sort();
  if (folders.length === 0) throw new AppError('USAGE', `No folder matches "${value}".`);
  return folders.map((repository) => ({ repository, source: `${source} ${value}` }));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Of targets that ask for the very same work, the first. */
function dropRepeated(targets: readonly Target[]): Target[] {
  const seen = new Set<string>();
  return targets.filter(({ source: _, ...work }) => {
    const key = JSON.stringify(work);
    return !seen.has(key) && seen.add(key);
  });
}

function matcher(patterns: readonly string[], cwd: string): (target: Target) => boolean {
  if (patterns.length === 0) return () => false;
  const matches = picomatch(
    patterns.map((pattern) => pattern.replace(/^\.\//, '').replace(/\/+$/, '')),
    { dot: true },
  );
  return (target) => namesOf(target, cwd).some((name) => matches(name));
}

/** The patterns of `.adoignore` in the current folder: one a line, `#` comments. */
function readOptOuts(cwd: string): string[] {
  const path = join(cwd, '.adoignore');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

function takeSample(cli: Cli, targets: readonly Target[], options: TargetOptions): Target[] {
  const count = options.sample ?? targets.length;
  const seed = options.seed ?? String(randomInt(1_000_000));
  if (options.seed === undefined) cli.terminal.note(`Sample drawn with --seed ${seed}.`);
  // A sample is of what would run: those that opted out are not drawn.
  const candidates = targets.filter((target) => target.skip === undefined);
  return drawSample(candidates, { count, seed, keyOf: (target) => target.repository });
}
