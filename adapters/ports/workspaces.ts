/** Where agents work: mirrors, worktrees, sandbox, commits, delivery. */
import type { DiffStat, SandboxKind } from '../../contracts/task.schema.ts';
import type { CommittedFiles } from './gates.ts';

/** What a target stands for. */
export interface ResolvedTarget {
  /** Canonical form: absolute real path, or the URL as given. */
  readonly repository: string;
  readonly baseCommit: string;
}

/** A worktree that one attempt of one activity works in. */
export interface Workspace {
  /** The worktree; the same path inside the sandbox. */
  readonly path: string;
  /** The commit that it started from: parent of the next commit. */
  readonly headCommit: string;
  /** Whether it is a worktree that an earlier activity left, with what git ignores in it. */
  readonly isKept?: boolean;
}

/** A program to run in the sandbox. */
export interface SandboxRun {
  /** Program and arguments. */
  readonly argv: readonly string[];
  /** The whole environment, beside PATH, HOME and TMPDIR which the sandbox sets. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Files readable inside beside system and toolchains, at their own paths. */
  readonly readable?: readonly string[];
  /** Folder of the host that is its home, kept afterwards; default: an empty one that goes with it. */
  readonly home?: string;
  /** Unix sockets of the worker that it reaches as `127.0.0.1:<port>`. There is no other network. */
  readonly reach?: readonly { readonly port: number; readonly socketPath: string }[];
  /** Hosts that it may reach by the worker's proxy, whose address is in its environment. Default: none. */
  readonly allowHosts?: readonly string[];
  readonly sandbox: SandboxKind;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onOutput?: (source: 'stdout' | 'stderr', text: string) => void;
}

/** How a program ended. */
export interface SandboxResult {
  /** undefined when it was killed. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** Which bound of the sandbox it was ended at; the last line of `stderr` says so too. */
  readonly killedBy?: 'memory' | 'processes';
  /** Last 64 KiB of each. */
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** A file in the work tree that is not part of the work, as long as nobody changes it. */
export interface UncommittedFile {
  /** Relative to the top of the work tree. */
  readonly path: string;
  /** Git's id of its content. */
  readonly blobId: string;
}

/** What becomes a commit. Same inputs, same commit id. */
export interface CommitRequest {
  readonly message: string;
  /** Author and committer date: workflow time, never the clock of the attempt. */
  readonly date: Date;
  readonly effectId: string;
  readonly branch: string;
  /** The base of the whole task, for the patch. */
  readonly baseCommit: string;
  /** Files to leave out while they are as said and git does not track them. */
  readonly exclude?: readonly UncommittedFile[];
}

/** What became of the work tree. */
export interface CommitResult {
  /** New head of the branch; the old head when nothing changed. */
  readonly commit: string;
  /** Whether this call made a commit. */
  readonly committed: boolean;
  /** Base to head. */
  readonly diffStat: DiffStat;
  readonly patch: string;
}

/** What merging work into a branch of its repository comes to. */
export type MergePlan = {
  /** The branch. */
  readonly target: string;
  /** Where it stands. */
  readonly targetHead: string;
} & (
  | { readonly kind: 'contained' }
  /** The work itself. */
  | { readonly kind: 'fast-forward'; readonly commit: string }
  /** A commit of both, which the mirror has. */
  | {
      readonly kind: 'merge';
      readonly commit: string;
      /** Files that were in conflict until changes of white space counted for nothing. */
      readonly spaceIgnoredIn: readonly string[];
    }
  /** Files that both sides have changed, and git cannot put together. */
  | { readonly kind: 'conflict'; readonly files: readonly string[] }
);

/** Where agents work: mirrors, worktrees, sandbox, commits, delivery. */
export interface Workspaces {
  /** Finds the commit that a target starts from. @throws REPOSITORY_NOT_FOUND · NOT_A_GIT_REPOSITORY · REF_NOT_FOUND */
  resolve(target: {
    readonly repository: string;
    readonly baseRef?: string | undefined;
    readonly baseCommit?: string | undefined;
  }): Promise<ResolvedTarget>;
  /** Reads files of a base commit as `readCommitted` does; undefined where this machine does not have it, or not yet. */
  readBase(request: {
    readonly repository: string;
    readonly baseCommit: string;
    readonly wanted: readonly string[];
  }): Promise<CommittedFiles | undefined>;
  /** Files that a command names by absolute path, and a hash of their contents. */
  describeCommand(
    command: string,
  ): Promise<{ readonly files: readonly string[]; readonly digest: string }>;
  /**
   * A fresh worktree at `headCommit`. `key` names the task's attempt; an earlier worktree of the same key is taken back only
   * when `keep` is set and it stands at `headCommit`, else thrown away. @throws WORKSPACE_FAILED · REPOSITORY_NOT_FOUND
   */
  prepare(request: {
    readonly key: string;
    readonly repository: string;
    readonly baseCommit: string;
    readonly headCommit: string;
    readonly branch: string;
    /** Take back the worktree of the key as it is, when it stands at `headCommit`. Default: a fresh one. */
    readonly keep?: boolean;
    readonly signal?: AbortSignal;
  }): Promise<Workspace>;
  /**
   * Reads committed files from the mirror, never from the work tree: names of all, contents of those `wanted` that are
   * small. Default: of the commit that the work tree stands at. @throws WORKSPACE_FAILED
   */
  readCommitted(
    workspace: Workspace,
    request: { readonly commit?: string; readonly wanted: readonly string[] },
  ): Promise<CommittedFiles>;
  /** Runs a program in the worktree. @throws SANDBOX_UNAVAILABLE */
  run(workspace: Workspace, run: SandboxRun): Promise<SandboxResult>;
  /**
   * Turns the work tree into a commit on the mirror's branch by the quarantine pipeline, compare-and-swap.
   * @throws COMMIT_REFUSED · SUPERSEDED when the branch has moved otherwise · WORKSPACE_FAILED
   */
  commit(workspace: Workspace, request: CommitRequest): Promise<CommitResult>;
  /**
   * Brings the work tree back to its commit. What git ignores stays. Repeating it changes nothing.
   * @throws WORKSPACE_FAILED
   */
  restore(workspace: Workspace): Promise<void>;
  /** Puts the branch into the source repository, never over others' commits. Repeating it changes nothing. @throws BRANCH_CONFLICT */
  deliver(request: {
    readonly repository: string;
    readonly branch: string;
    readonly commit: string;
    readonly ours: readonly string[];
  }): Promise<{ readonly delivered: boolean }>;
  /**
   * Merges a commit of the mirror with a branch of the repository (default: the one that HEAD names), in the mirror alone.
   * The same commit on the same head makes the same merge. @throws REF_NOT_FOUND · WORKSPACE_FAILED
   */
  planMerge(request: {
    readonly repository: string;
    readonly target?: string | undefined;
    readonly commit: string;
    readonly message: string;
    readonly date: Date;
    /** Whether changes in the amount of white space may count for nothing in a file that is in conflict. */
    readonly mayIgnoreSpace: (path: string) => boolean;
    readonly signal?: AbortSignal;
  }): Promise<MergePlan>;
  /**
   * Moves the branch to a planned commit; `stale` when it no longer stands where it was planned from.
   * @throws MERGE_CONFLICT when the repository refuses: the branch is checked out, or protected
   */
  pushMerge(request: {
    readonly repository: string;
    readonly target: string;
    readonly targetHead: string;
    readonly commit: string;
  }): Promise<'merged' | 'stale'>;
  /** A program agent's home beside the worktree; a new one gets these files, by paths relative to it. */
  openAgentHome(
    workspace: Workspace,
    files: Readonly<Record<string, string>>,
  ): { readonly path: string; readonly isNew: boolean };
  /** Answers whether this host has a commit of a repository. Asks nobody else. */
  hasCommit(request: { readonly repository: string; readonly commit: string }): Promise<boolean>;
  /** Throws the worktree of a key away. */
  discard(key: string): Promise<void>;
}
