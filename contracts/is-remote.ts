/**
 * Answers whether a repository is on another host. Its name alone tells: all but absolute paths and `file://` are, and
 * nothing is pushed there before somebody asks for it.
 */
export function isRemote(repository: string): boolean {
  return !repository.startsWith('/') && !repository.startsWith('file://');
}
