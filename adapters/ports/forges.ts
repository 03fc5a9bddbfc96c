/** Hosts of repositories that take pull requests (GitHub) or merge requests (GitLab), here both pull requests. */

/** A pull request to be made. */
export interface NewPullRequest {
  /** As the task names it. */
  readonly repository: string;
  /** The branch that is on the host already. */
  readonly branch: string;
  /** Default: the default branch of the repository. */
  readonly target?: string | undefined;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  readonly signal?: AbortSignal | undefined;
}

/** Hosts of repositories. */
export interface Forges {
  /**
   * Makes the pull request of a branch. One that the branch has, open or not, is answered instead: it is made once,
   * whatever is repeated.
   * @throws PUBLISH_FAILED when the host is not known or refuses · FORGE_UNAVAILABLE when it is to be asked again later
   */
  openPullRequest(request: NewPullRequest): Promise<{ readonly url: string }>;
}
