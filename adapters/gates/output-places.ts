/** From the paths in a tool's output to files of the work tree. */

/** The files of a work tree, as an output names them. */
export interface Places {
  /** The path, plain; undefined for what is outside of it, and for installed packages. */
  inTree(path: string): string | undefined;
  /** The only file of the tree whose path ends in this one; of several the one in the folder that `near` ends in. */
  endingIn(path: string, near?: string): string | undefined;
}

/** Folders of programs that a repository uses, but that are not its own. */
const installed = /(^|\/)(node_modules|site-packages|\.venv|venv|\.cargo)\//;

/** Makes the places of a tree. */
export function createPlaces(paths: readonly string[]): Places {
  return {
    inTree(path) {
      const relative = path.replace(/^file:\/\//, '');
      const isForeign =
        /^([/<(]|node:|[a-z]+:\/\/)/i.test(relative) ||
        relative.startsWith('../') ||
        installed.test(relative);
      return isForeign ? undefined : relative.replace(/^(\.\/)+/, '');
    },
    endingIn(path, near = '') {
      const fitting = paths.filter((known) => known === path || known.endsWith(`/${path}`));
      if (fitting.length <= 1) return fitting[0];
      const folderOf = (known: string): string => known.slice(0, -path.length - 1);
      const nearest = fitting.filter(
        (known) => folderOf(known) === '' || `/${near}`.endsWith(`/${folderOf(known)}`),
      );
      // The longest folder that fits: `sub/a_test.go` is nearer to `example.com/m/sub` than `a_test.go`.
      return nearest.toSorted((one, other) => other.length - one.length)[0];
    },
  };
}
