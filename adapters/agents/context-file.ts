/**
 * One source of instructions for all agents: where a repository has a context file for another agent only, this one gets
 * a copy under the name that it looks for. All is done inside the sandbox, as the tree may hold links to anywhere.
 */
import type { RunInTree, UncommittedFile } from '../ports.ts';

/** Context files that repositories have, the most widely understood first. */
const knownFiles = ['AGENTS.md', 'CLAUDE.md', 'GEMINI.md'] as const;

/** What is copied of a longer one: agents read no more of it themselves. */
const maxBytes = 65_536;
const timeoutMs = 30_000;

/**
 * A tracked file is the repository's, and so is any that is there and was not copied by us: an earlier copy is known by
 * being equal to what would be written. A link is left alone, and never read.
 */
const script = `
target=$1
shift
tracked=$(git ls-files -- "$target") || exit 1
[ -z "$tracked" ] || exit 0
for source in "$@"; do
  [ "$source" != "$target" ] || continue
  [ -f "$source" ] && [ ! -L "$source" ] || continue
  if [ -e "$target" ] || [ -L "$target" ]; then
    [ -f "$target" ] && [ ! -L "$target" ] || exit 0
    wanted=$(head -c ${maxBytes} "$source" | git hash-object --stdin)
    [ "$(git hash-object --no-filters -- "$target")" = "$wanted" ] || exit 0
  else
    head -c ${maxBytes} "$source" >"$target" || exit 1
  fi
  git hash-object --no-filters -- "$target"
  exit
done
`;

/** Makes sure that an agent finds the repository's instructions. Answers the copy that stands for them; done twice it changes nothing. */
export async function shareContextFile(
  contextFile: string,
  run: RunInTree,
): Promise<UncommittedFile | undefined> {
  const argv = ['sh', '-c', script, 'context-file', contextFile, ...knownFiles];
  const { exitCode, stdout } = await run({ argv, timeoutMs });
  const blobId = stdout.trim();
  // A tree in which git does not answer has no instructions to share; the work goes on without.
  return exitCode === 0 && /^[0-9a-f]{40}$/.test(blobId)
    ? { path: contextFile, blobId }
    : undefined;
}
