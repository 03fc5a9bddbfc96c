/** The checks that a repository has of its own: how they are found, and how what they write is read. */
import type { Finding } from '../../contracts/step.schema.ts';
import type { Gate, GateProfile } from '../../contracts/task.schema.ts';

/** What a check is about. */
export type GateKind = 'build' | 'test' | 'lint' | 'typecheck' | 'coverage' | 'security';

/** Files of a commit, as far as they tell of checks. */
export interface CommittedFiles {
  /** Plain files, by their paths; of a huge repository the first ones. */
  readonly paths: readonly string[];
  /** Contents of those asked for that are there and small enough, by path. */
  readonly texts: Readonly<Record<string, string>>;
}

/** A check that was found in a repository. */
export interface FoundGate extends Gate {
  readonly kind: GateKind;
  readonly timeoutMs: number;
  /** What told of it, such as `package.json: script test`. */
  readonly source: string;
  /** Command that mends by itself what the check finds, where the repository has one. */
  readonly fix?: string;
}

/** What was found, and what was looked for. */
export interface FoundGates {
  /** At most one of a name. */
  readonly gates: readonly FoundGate[];
  readonly lookedFor: readonly string[];
}

/** Shares of the code that tests ran, in percent, as far as the tool measures them. */
export interface Coverage {
  readonly statements?: number;
  readonly branches?: number;
  readonly functions?: number;
  readonly lines?: number;
}

/** What a check wrote. */
export interface GateOutput {
  readonly gate: string;
  /** Its paths are relative to the work tree; absolute ones are outside of it. */
  readonly text: string;
  /** The files of the tree, for outputs that name only the end of a path. */
  readonly paths: readonly string[];
}

/** Knows build systems, test runners, compilers and linters. Pure. */
export interface GateTools {
  /** Files whose contents tell of checks; to be given to `detect`. */
  readonly manifests: readonly string[];
  detect(files: CommittedFiles, profile: Exclude<GateProfile, 'none'>): FoundGates;
  /** The findings, in the order in which they were written; empty when nothing could be read. */
  readFindings(output: GateOutput): readonly Finding[];
  /** How much of the code tests ran; empty when the output does not tell. */
  readCoverage(text: string): Coverage;
}
