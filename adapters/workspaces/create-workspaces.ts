/** Where agents work: mirrors, worktrees, sandbox, commits and delivery, put together. */
import { join } from 'node:path';
import type { SandboxLimits } from '../../config/sandbox-limits.ts';
import type { EgressSettings } from '../egress/egress-proxy.ts';
import type { CrashPoint, Workspaces } from '../ports.ts';
import { openAgentHome } from './agent-home.ts';
import { createReadBase } from './base-files.ts';
import { describeCommand } from './command-files.ts';
import { readCommitted } from './committed-files.ts';
import { createDeliver } from './delivery.ts';
import { withEgress } from './egress-route.ts';
import { createGit } from './git.ts';
import { viewHost, type HostView } from './host-view.ts';
import { createLauncher } from './launcher.ts';
import { createMerging } from './merging.ts';
import { createMirrors, hasCommit, mirrorPath } from './mirrors.ts';
import { createCommitWork } from './quarantine-commits.ts';
import { runInWorktree } from './run-sandboxed.ts';
import { createRestoreTree } from './restore-tree.ts';
import { createTakeSnapshot } from './snapshot.ts';
import { createResolve } from './targets.ts';
import { createWorktrees } from './worktrees.ts';

/** A worktree that nobody used for this long is a leftover. No run takes longer: it is the limit of a task's time. */
const leftoverMs = 86_400_000;

/** Workspaces of this host, and what its process does with them beside a task's work. */
export interface HostWorkspaces extends Workspaces {
  /** Removes what nobody used for 24 hours: worktrees of failed tasks and of killed processes. Answers how many. */
  sweep(now: Date): Promise<number>;
  /** Ends the helper process; also without it that ends with this one. */
  close(): void;
}

/** Makes the workspaces of a data folder. Several processes may share it. Nothing is started or written before its use. */
export function createWorkspaces(options: {
  readonly dataDir: string;
  /** PATH of the programs that agents run; its toolchains are shown in the sandbox. */
  readonly toolPath: string;
  readonly homeDir: string;
  readonly allowUnsandboxed: boolean;
  readonly crashpoint: CrashPoint;
  /** What each program in the sandbox may use. Default: that of the configuration. */
  readonly limits?: SandboxLimits;
  /** How programs reach allowed hosts. Default: public addresses, and nobody hears of the decisions. */
  readonly egress?: Partial<EgressSettings>;
}): HostWorkspaces {
  const { dataDir, allowUnsandboxed, crashpoint, egress = {} } = options;
  const launcher = createLauncher();
  const git = createGit({ ...options, launcher });
  const mirrors = createMirrors({ git, dataDir });
  const worktrees = createWorktrees({ git, launcher, mirrors, dataDir });
  let view: Promise<HostView> | undefined;
  const host = (): Promise<HostView> => (view ??= viewHost(options));
  const treeDeps = { launcher, host, allowUnsandboxed };
  const takeSnapshot = createTakeSnapshot(treeDeps);
  const restoreTree = createRestoreTree(treeDeps);
  const commitWork = createCommitWork({ git, launcher, worktrees, takeSnapshot, crashpoint });

  return {
    resolve: createResolve(git),
    describeCommand,
    readBase: createReadBase({ git, dataDir }),
    prepare: worktrees.prepare,
    readCommitted: (workspace, { commit, wanted }) =>
      worktrees.use(workspace, ({ mirror, headCommit }) =>
        readCommitted(git, mirror, { commit: commit ?? headCommit, wanted }),
      ),
    run: (workspace, run) =>
      worktrees.use(workspace, (worktree) =>
        withEgress(run, egress, (routed) => runInWorktree(treeDeps, worktree, routed)),
      ),
    commit: (workspace, request) =>
      worktrees.use(workspace, (worktree) => commitWork(worktree, workspace.headCommit, request)),
    restore: (workspace) => worktrees.use(workspace, restoreTree),
    hasCommit: ({ repository, commit }) =>
      hasCommit(git, mirrorPath(join(dataDir, 'mirrors'), repository), commit),
    deliver: createDeliver({ git, dataDir }),
    ...createMerging({ git, mirrors, dataDir }),
    openAgentHome,
    discard: worktrees.discard,
    async sweep(now) {
      const before = new Date(now.getTime() - leftoverMs);
      return (await worktrees.sweep(before)) + (await mirrors.sweep(before));
    },
    close: () => launcher.close(),
  };
}
