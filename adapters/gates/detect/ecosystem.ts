/** What each ecosystem answers about a repository. */
import type { CommittedFiles, GateKind } from '../../ports.ts';

/** A check that could be run. */
export interface Candidate {
  readonly kind: GateKind;
  /** Its name where the kind does not say enough: `format`. */
  readonly word?: string;
  readonly command: string;
  readonly source: string;
  readonly fix?: string;
}

/** One way of building and testing things. */
export interface Ecosystem {
  readonly name: string;
  /** Files at the root whose contents it reads. */
  readonly manifests: readonly string[];
  /** For people whose repository has no check at all. */
  readonly lookedFor: string;
  readonly find: (files: CommittedFiles) => readonly Candidate[];
}
