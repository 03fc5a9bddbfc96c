/** A target: one repository of a batch, as the command line gathered it. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CliEnvironment } from '../../config/cli-environment.ts';
import { shortRepository } from '../texts.ts';

/** One repository to work on, and where it was named. */
export interface Target {
  /** Absolute path or URL. */
  readonly repository: string;
  /** Where it was named, for messages: `repos.txt:7`, `--repo`. */
  readonly source: string;
  readonly prompt?: string | undefined;
  readonly baseRef?: string | undefined;
  readonly baseCommit?: string | undefined;
  readonly variables?: Readonly<Record<string, string>> | undefined;
  readonly skip?: 'optout' | undefined;
}

/** Turns what people write into an absolute path or leaves it a URL: `~/x`, `../x`, `https://…`, `git@host:x`. */
export function toRepository(
  text: string,
  { cwd, homeDir }: Pick<CliEnvironment, 'cwd' | 'homeDir'>,
): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return text;
  if (text === '~' || text.startsWith('~/')) return join(homeDir, text.slice(1));
  const path = resolve(cwd, text);
  // git reads `host:path` as an address, unless a slash comes before the colon or such a file exists.
  return /^[^/]+:/.test(text) && !existsSync(path) ? text : path;
}

/** The ways a target may be called by a pattern: its name, `owner/name`, as a path from here, whole. */
export function namesOf(target: Pick<Target, 'repository'>, cwd: string): string[] {
  const { repository } = target;
  const short = shortRepository(repository);
  const name = short.slice(short.lastIndexOf('/') + 1);
  const fromHere = repository.startsWith(`${cwd}/`) ? [repository.slice(cwd.length + 1)] : [];
  return [name, short, ...fromHere, repository];
}
