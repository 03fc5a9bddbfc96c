/** Builds one of Temporal's programs from the Go module `tools/temporal`. */
import { join } from 'node:path';
import { checkoutRoot } from '../checkout.ts';
import { temporalVersions } from '../versions.ts';
import type { ProgramSearch } from './cache.ts';
import { buildGo } from './go-build.ts';
import type { TemporalProgram } from './temporal.ts';

/** Each program's import path in the tools module, and what people call it. */
const sources: Record<TemporalProgram, { readonly importPath: string; readonly title: string }> = {
  temporal: {
    importPath: 'github.com/temporalio/cli/cmd/temporal',
    title: `Temporal ${temporalVersions.cli}`,
  },
  'temporal-server': {
    importPath: 'go.temporal.io/server/cmd/server',
    title: `the Temporal server ${temporalVersions.server}`,
  },
  'temporal-sql-tool': {
    importPath: 'go.temporal.io/server/cmd/tools/sql',
    title: `Temporal's SQL tool ${temporalVersions.server}`,
  },
  'temporal-ui': {
    importPath: 'github.com/temporalio/ui-server/v2/cmd/server',
    title: `Temporal's web UI ${temporalVersions.ui}`,
  },
};

/** What to build, where to, with which Go. */
export interface TemporalBuild {
  readonly program: TemporalProgram;
  readonly file: string;
  readonly go: string;
}

/**
 * Builds a program into a file, which takes about 4 minutes on two cores with all downloads.
 * @throws PROGRAM_MISSING with the end of what Go said
 */
export async function buildTemporal(
  { program, file, go }: TemporalBuild,
  search: ProgramSearch,
): Promise<void> {
  const moduleFolder = join(checkoutRoot(), 'tools', 'temporal');
  await buildGo({ ...sources[program], moduleFolder, file, go }, search);
}
