/** A host with workspaces, one small repository, and a home folder that agents must not see. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  CommitRequest,
  CommitResult,
  SandboxResult,
  SandboxRun,
  Workspace,
} from '../../../adapters/ports.ts';
import {
  createWorkspaces,
  type HostWorkspaces,
} from '../../../adapters/workspaces/create-workspaces.ts';
import { defaultSandboxLimits, type SandboxLimits } from '../../../config/sandbox-limits.ts';
import type { ErrorCode } from '../../../contracts/errors.ts';
import { git, makeRepository } from '../../support/repositories.ts';

/** What a test is given. */
export interface World {
  readonly workspaces: HostWorkspaces;
  readonly repository: string;
  readonly baseCommit: string;
  readonly dataDir: string;
  readonly homeDir: string;
  /** Outside of everything that an agent may see. */
  readonly outside: string;
  /** A fresh worktree of an attempt; the branch is `ado/<key>`. */
  readonly prepare: (
    key: string,
    options?: { headCommit?: string; keep?: boolean },
  ) => Promise<Workspace>;
  /** Runs a shell command in the sandbox. */
  readonly sh: (
    workspace: Workspace,
    command: string,
    options?: Partial<SandboxRun>,
  ) => Promise<SandboxResult>;
  readonly commit: (
    workspace: Workspace,
    request?: Partial<CommitRequest>,
  ) => Promise<CommitResult>;
}

const worlds: { folder: string; workspaces: HostWorkspaces }[] = [];

/** Makes a world; `endWorlds` after the tests ends all. */
export function createWorld(
  options: { allowUnsandboxed?: boolean; limits?: Partial<SandboxLimits> } = {},
): World {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-workspaces-'));
  const [dataDir, homeDir, outside] = ['data', 'home', 'outside'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  for (const path of [homeDir, outside]) mkdirSync(path);
  writeFileSync(join(homeDir, 'secret'), 'SECRET');
  const repository = makeRepository();
  const baseCommit = git(repository, 'rev-parse', 'HEAD');
  const workspaces = createWorkspaces({
    dataDir,
    homeDir,
    toolPath: process.env['PATH'] ?? '',
    allowUnsandboxed: options.allowUnsandboxed ?? false,
    crashpoint: () => Promise.resolve(),
    limits: { ...defaultSandboxLimits, ...options.limits },
  });
  worlds.push({ folder, workspaces });
  return {
    ...{ workspaces, repository, baseCommit, dataDir, homeDir, outside },
    prepare: (key, { headCommit = baseCommit, keep = false } = {}) =>
      workspaces.prepare({ key, repository, baseCommit, headCommit, branch: `ado/${key}`, keep }),
    sh: (workspace, command, run = {}) =>
      workspaces.run(workspace, {
        argv: ['sh', '-c', command],
        sandbox: 'bubblewrap',
        timeoutMs: 30_000,
        ...run,
      }),
    commit: (workspace, request = {}) =>
      workspaces.commit(workspace, {
        message: 'Change a thing',
        date: new Date('2026-01-02T03:04:05Z'),
        effectId: 'step-1',
        branch: 'ado/task',
        baseCommit,
        ...request,
      }),
  };
}

/** Stands for an error with a code, and a message that fits. */
export function anError(code: ErrorCode, message = /./): Error {
  return expect.objectContaining({ code, message: expect.stringMatching(message) }) as Error;
}

/** Ends the helper processes and removes the folders. */
export function endWorlds(): void {
  for (const { folder, workspaces } of worlds.splice(0)) {
    workspaces.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
