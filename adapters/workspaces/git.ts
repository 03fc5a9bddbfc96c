/**
 * Runs git on the trusted side, with an environment and configuration of our own: no hooks, no fsmonitor, no gc, no
 * prompts, nothing inherited. Never over a tree that an agent has touched: that is git-in-the-sandbox's work.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Launcher } from './launcher.ts';
import { replaceFile } from './small-files.ts';

/** One git command. */
export interface GitRun {
  readonly args: readonly string[];
  /** Added to git's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Output beyond this is left out, and the command is stopped. */
  readonly maxOutputBytes?: number;
}

/** How a git command ended. */
export interface GitResult {
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  readonly stdout: Buffer;
  /** Whether output was left out. */
  readonly cut: boolean;
  readonly stderr: string;
}

/** Git on the trusted side. */
export interface Git {
  readonly run: (run: GitRun) => Promise<GitResult>;
  /** Runs a shell script of our own in git's environment; `args` are its `$1`, `$2` … */
  readonly script: (text: string, run: GitRun) => Promise<GitResult>;
  /** Talks to another host: with the caller's environment, git configuration and credential helpers. */
  readonly remote: (run: GitRun) => Promise<GitResult>;
}

/**
 * Objects are checked wherever they come in; ignored is what old tools wrote into repositories that are in daily use.
 * They are flushed to disk, as a recorded commit must outlive a power cut.
 */
const ownConfig = `[safe]
	directory = *
[core]
	hooksPath = /dev/null
	fsmonitor = false
	alternateRefsCommand = true
	fsync = loose-object,pack,pack-metadata,reference
	fsyncMethod = batch
	bigFileThreshold = 16m
[gc]
	auto = 0
[maintenance]
	auto = false
[receive]
	autogc = false
[transfer]
	fsckObjects = true
[fetch]
	recurseSubmodules = no
	prune = false
[fetch "fsck"]
	badTimezone = ignore
	missingNameBeforeEmail = ignore
	missingSpaceBeforeDate = ignore
	missingSpaceBeforeEmail = ignore
	zeroPaddedFilemode = ignore
[push]
	followTags = false
	gpgSign = false
	recurseSubmodules = no
[protocol]
	allow = never
[protocol "file"]
	allow = always
[protocol "http"]
	allow = always
[protocol "https"]
	allow = always
[protocol "ssh"]
	allow = always
[protocol "git"]
	allow = always
`;

/** What must not reach git from the environment of this process. */
const inheritedNames = [
  ...[
    'GIT_DIR',
    'GIT_WORK_TREE',
    'GIT_INDEX_FILE',
    'GIT_OBJECT_DIRECTORY',
    'GIT_COMMON_DIR',
    'GIT_NAMESPACE',
  ],
  ...[
    'GIT_ALTERNATE_OBJECT_DIRECTORIES',
    'GIT_CONFIG',
    'GIT_CONFIG_PARAMETERS',
    'GIT_CONFIG_COUNT',
    'GIT_PREFIX',
  ],
  ...[
    'GIT_GRAFT_FILE',
    'GIT_SHALLOW_FILE',
    'GIT_REPLACE_REF_BASE',
    'GIT_TRACE',
    'GIT_EXTERNAL_DIFF',
  ],
];

const maxStderrBytes = 16_384;

/** Makes git for a data folder; its configuration is written there before the first command. */
export function createGit(options: {
  readonly launcher: Launcher;
  readonly dataDir: string;
  readonly toolPath: string;
  readonly homeDir: string;
}): Git {
  const folder = join(options.dataDir, 'git');
  const configFile = join(folder, 'config');
  const remoteConfigFile = join(folder, 'config-remote');
  let isConfigured = false;

  const common = {
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_COMMITTER_NAME: 'ado',
    GIT_COMMITTER_EMAIL: 'ado@localhost',
    LC_ALL: 'C',
  };
  const ownEnvironment = {
    ...common,
    PATH: `${options.toolPath}:/usr/local/bin:/usr/bin:/bin`,
    // Holds no .config/git: that would be read beside the configuration file.
    HOME: folder,
    GIT_CONFIG_GLOBAL: configFile,
    GIT_CONFIG_NOSYSTEM: '1',
  };

  const start = async (
    run: GitRun,
    program: {
      file: string;
      args: readonly string[];
      env: Readonly<Record<string, string>> | undefined;
    },
  ): Promise<GitResult> => {
    if (!isConfigured) writeConfiguration(folder, options.homeDir);
    isConfigured = true;
    const { maxOutputBytes = 8 * 1_048_576 } = run;
    const stdout: Uint8Array[] = [];
    const stderr: Uint8Array[] = [];
    let stdoutBytes = 0;
    let stderrBytes = 0;
    const { exitCode, timedOut } = await options.launcher.launch({
      ...program,
      cwd: folder,
      stdin: run.stdin,
      timeoutMs: run.timeoutMs,
      signal: run.signal,
      onOutput(stream, bytes, kill) {
        if (stream === 'stderr') {
          if (stderrBytes < maxStderrBytes) stderr.push(bytes);
          stderrBytes += bytes.length;
          return;
        }
        if (stdoutBytes < maxOutputBytes) stdout.push(bytes);
        stdoutBytes += bytes.length;
        if (stdoutBytes > maxOutputBytes) kill();
      },
    });
    run.signal?.throwIfAborted();
    return {
      exitCode,
      timedOut,
      stdout: Buffer.concat(stdout).subarray(0, maxOutputBytes),
      cut: stdoutBytes > maxOutputBytes,
      stderr: Buffer.concat(stderr).toString(),
    };
  };

  return {
    run: (run) =>
      start(run, { file: 'git', args: run.args, env: { ...ownEnvironment, ...run.env } }),
    script: (text, run) =>
      start(run, {
        file: 'sh',
        args: ['-c', text, 'ado', ...run.args],
        env: { ...ownEnvironment, ...run.env },
      }),
    remote: (run) => {
      const settings = { ...common, GIT_CONFIG_GLOBAL: remoteConfigFile, ...run.env };
      return start(run, {
        file: 'env',
        args: [
          ...inheritedNames.flatMap((name) => ['-u', name]),
          ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
          'git',
          ...run.args,
        ],
        env: undefined,
      });
    },
  };
}

function writeConfiguration(folder: string, homeDir: string): void {
  mkdirSync(folder, { recursive: true });
  const include = [join(homeDir, '.config', 'git', 'config'), join(homeDir, '.gitconfig')]
    .map((path) => `[include]\n\tpath = ${JSON.stringify(path)}\n`)
    .join('');
  replaceFile(join(folder, 'config'), ownConfig);
  // Ours comes last: of two values git takes the later one.
  replaceFile(join(folder, 'config-remote'), include + ownConfig);
}

/** What git said, as one line for people. */
export function gitMessage(result: Pick<GitResult, 'stderr' | 'timedOut'>): string {
  if (result.timedOut) return 'git did not answer in time';
  const lines = result.stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('hint:'));
  const telling =
    lines.find((line) => /^(fatal|error|ssh|Permission denied)/.test(line)) ?? lines.at(-1);
  return (telling ?? 'git failed without a word').replace(/^(fatal|error): /, '').slice(0, 500);
}
