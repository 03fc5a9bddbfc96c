/**
 * The compilers and test runners of this machine, for tests that run them inside the sandbox: folders to put on a worker's
 * PATH. Version managers' shims lie in the home folder, where a sandbox does not look, so the toolchains behind them are asked for.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { checkoutRoot } from '../../cli/dev/checkout.ts';

/** Programs that tests may need, and what tells the folder that they are in. */
const asks = {
  go: () => join(ask('go', 'env', 'GOROOT'), 'bin'),
  cargo: () => join(ask('rustc', '--print', 'sysroot'), 'bin'),
  python3: pythonFolder,
  pytest: pythonFolder,
  mypy: pythonFolder,
  flake8: pythonFolder,
  javac: () => dirname(ask('sh', '-c', 'command -v javac')),
  make: () => dirname(ask('sh', '-c', 'command -v make')),
  /** Without a network only Debian's has plugins and JUnit. */
  mvn: () => {
    ask('ls', '/usr/share/maven-repo/org/apache/maven/surefire/surefire-junit4');
    return dirname(ask('sh', '-c', 'command -v mvn'));
  },
  gradle: () => {
    ask('ls', '/usr/share/java/junit4.jar');
    return dirname(ask('sh', '-c', 'command -v gradle'));
  },
} as const;

/** Of Debian's Python, if it has pytest, else of the first on the PATH. */
function pythonFolder(): string {
  const program = existsSync('/usr/bin/pytest') ? '/usr/bin/python3' : 'python3';
  return join(ask(program, '-c', 'import sys; print(sys.prefix)'), 'bin');
}

/** A program that a test needs. */
export type Tool = keyof typeof asks;

/** The folder that a program of this machine is in; undefined when there is none. */
export function findTool(tool: Tool): string | undefined {
  try {
    const folder = asks[tool]();
    return existsSync(join(folder, tool)) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** PATH with the folders of all tools that are there before the rest. */
export function toolPath(more: readonly string[] = []): string {
  const found = (Object.keys(asks) as Tool[]).map(findTool).filter((one) => one !== undefined);
  return [...more, ...new Set(found), process.env['PATH'] ?? ''].join(delimiter);
}

/** Installs packages of the checkout with all that they need, as `npm install --global` would; answers their `bin`. */
export function installPackages(programs: Readonly<Record<string, string>>): string {
  const prefix = mkdtempSync(join(tmpdir(), 'ado-test-toolchain-'));
  const modules = join(prefix, 'lib', 'node_modules');
  mkdirSync(join(prefix, 'bin'));
  for (const [program, file] of Object.entries(programs)) {
    copyPackage(file.split('/')[0] ?? '', modules);
    symlinkSync(join('..', 'lib', 'node_modules', file), join(prefix, 'bin', program));
  }
  return join(prefix, 'bin');
}

function copyPackage(name: string, modules: string): void {
  const source = join(checkoutRoot(), 'node_modules', name);
  const target = join(modules, name);
  if (existsSync(target) || !existsSync(source)) return;
  cpSync(source, target, { recursive: true });
  // Packages inside of it need others, too.
  const manifests = globSync(['package.json', 'node_modules/{*,@*/*}/package.json'], {
    cwd: source,
  });
  for (const manifest of manifests) {
    const { dependencies = {} } = JSON.parse(readFileSync(join(source, manifest), 'utf8')) as {
      readonly dependencies?: Readonly<Record<string, string>>;
    };
    for (const needed of Object.keys(dependencies)) copyPackage(needed, modules);
  }
}

function ask(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}
