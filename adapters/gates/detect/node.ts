/** Checks of packages of JavaScript and TypeScript: scripts of package.json, run by the manager that the lock file names. */
import type { CommittedFiles, GateKind } from '../../ports.ts';
import type { Candidate } from './ecosystem.ts';

/** Names that scripts of a kind have; the first that is there counts. */
const scriptsOf: Readonly<Record<GateKind, readonly string[]>> = {
  build: ['build', 'compile'],
  lint: ['lint'],
  typecheck: ['typecheck', 'type-check', 'check-types', 'tsc'],
  test: ['test'],
  coverage: ['coverage', 'test:coverage', 'test:cov'],
  security: ['security', 'audit'],
};

interface Manager {
  readonly lockFiles: readonly string[];
  readonly run: string;
  /** Runs a program of the installed packages. */
  readonly program: string;
}

const npm: Manager = { lockFiles: [], run: 'npm run', program: 'npx --no-install' };
const managers: readonly Manager[] = [
  { lockFiles: ['pnpm-lock.yaml'], run: 'pnpm run', program: 'pnpm exec' },
  { lockFiles: ['yarn.lock'], run: 'yarn run', program: 'yarn run' },
  { lockFiles: ['bun.lock', 'bun.lockb'], run: 'bun run', program: 'bunx' },
];

/** Finds them. */
export function findNode({ paths, texts }: CommittedFiles): Candidate[] {
  const manifest = parseManifest(texts['package.json']);
  if (manifest === undefined) return [];
  const manager =
    managers.find(({ lockFiles }) => lockFiles.some((one) => paths.includes(one))) ?? npm;
  const found: Candidate[] = [];
  for (const [kind, names] of Object.entries(scriptsOf) as [GateKind, readonly string[]][]) {
    const name = names.find((one) => isReal(manifest.scripts[one]));
    if (name === undefined) continue;
    const fix = kind === 'lint' ? fixOf(manager, manifest.scripts) : {};
    found.push({
      kind,
      command: `${manager.run} ${name}`,
      source: `package.json: script ${name}`,
      ...fix,
    });
  }
  const hasTypeCheck = found.some(({ kind }) => kind === 'typecheck');
  if (
    !hasTypeCheck &&
    paths.includes('tsconfig.json') &&
    manifest.packages.includes('typescript')
  ) {
    const command = `${manager.program} tsc --noEmit -p .`;
    found.push({ kind: 'typecheck', command, source: 'tsconfig.json' });
  }
  return found;
}

/** `npm init` writes a test that says only that there is none. */
function isReal(script: string | undefined): boolean {
  return script !== undefined && script.trim() !== '' && !script.includes('no test specified');
}

function fixOf(
  manager: Manager,
  scripts: Readonly<Record<string, string>>,
): Pick<Candidate, 'fix'> | undefined {
  const script = ['lint:fix', 'fix', 'format'].find((one) => isReal(scripts[one]));
  if (script !== undefined) return { fix: `${manager.run} ${script}` };
  const isPlain = /^eslint\b[^&|;]*$/.test(scripts['lint']?.trim() ?? '');
  return isPlain ? { fix: `${manager.program} ${scripts['lint']?.trim() ?? ''} --fix` } : undefined;
}

function parseManifest(text: string | undefined):
  | {
      readonly scripts: Readonly<Record<string, string>>;
      readonly packages: readonly string[];
    }
  | undefined {
  if (text === undefined) return undefined;
  try {
    const read = recordOf(JSON.parse(text));
    const scripts = Object.entries(recordOf(read['scripts'])).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    const packages = [read['dependencies'], read['devDependencies']].flatMap((list) =>
      Object.keys(recordOf(list)),
    );
    return { scripts: Object.fromEntries(scripts), packages };
  } catch {
    return undefined;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
