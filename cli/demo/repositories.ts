/** The repositories of `ado demo`: real code, copied out of packages that this checkout has installed. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../contracts/errors.ts';

/** Packages under express and pg: CommonJS, each with one main file that a licence line fits. */
const packages = [
  'accepts',
  'body-parser',
  'bytes',
  'content-disposition',
  'content-type',
  'cookie',
  'cookie-signature',
  'depd',
  'encodeurl',
  'escape-html',
  'etag',
  'express',
  'finalhandler',
  'forwarded',
  'fresh',
  'http-errors',
  'media-typer',
  'merge-descriptors',
  'mime-types',
  'negotiator',
  'on-finished',
  'parseurl',
  'proxy-addr',
  'range-parser',
  'router',
  'send',
  'serve-static',
  'statuses',
  'toidentifier',
  'type-is',
  'unpipe',
  'vary',
];

/** Repositories of a demo. */
export const demoSize = 20;

/** A repository, and what the prompt says of it. */
export interface DemoRepository {
  readonly name: string;
  readonly path: string;
  readonly licence: string;
  /** Its main file, relative to its top. */
  readonly file: string;
}

const run = promisify(execFile);

/** Which repositories are made. */
export interface DemoChoice {
  /** Default `demoSize`. */
  readonly size?: number;
  /** Packages that are left out. */
  readonly without?: readonly string[];
}

/** Makes the repositories anew in `folder`; what an earlier demo left there goes. @throws PART_FAILED */
export async function makeDemoRepositories(
  checkout: string,
  folder: string,
  { size = demoSize, without = [] }: DemoChoice = {},
): Promise<DemoRepository[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const found: DemoRepository[] = [];
  // The two that go wrong have to be among them.
  const names = new Set(['cookie', 'vary', ...packages]);
  for (const name of without) names.delete(name);
  for (const name of names) {
    if (found.length === size) return found;
    const repository = await readPackage(checkout, folder, name);
    if (repository === undefined) continue;
    await makeRepository(join(checkout, 'node_modules', name), repository.path);
    found.push(repository);
  }
  if (found.length === size) return found;
  throw new AppError(
    'PART_FAILED',
    `only ${String(found.length)} of the demo's ${String(size)} packages are installed; run \`npm ci\``,
  );
}

async function readPackage(
  checkout: string,
  folder: string,
  name: string,
): Promise<DemoRepository | undefined> {
  const source = join(checkout, 'node_modules', name);
  try {
    const manifest = JSON.parse(await readFile(join(source, 'package.json'), 'utf8')) as {
      license?: string;
      main?: string;
    };
    const file = (manifest.main ?? 'index.js')
      .replace(/^\.\//, '')
      .replace(/^(?!.*\.js$)(.*)$/, '$1.js');
    const text = await readFile(join(source, file), 'utf8');
    const usable = typeof manifest.license === 'string' && !text.startsWith('#!');
    return usable
      ? { name, path: join(folder, name), licence: manifest.license ?? '', file }
      : undefined;
  } catch {
    return undefined;
  }
}

async function makeRepository(source: string, path: string): Promise<void> {
  await cp(source, path, {
    recursive: true,
    filter: (entry) => !entry.slice(source.length).includes('node_modules'),
  });
  const git = (...words: string[]): Promise<unknown> =>
    run('git', [
      '-C',
      path,
      '-c',
      'user.name=ado demo',
      '-c',
      'user.email=demo@localhost',
      '-c',
      'commit.gpgsign=false',
      ...words,
    ]);
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all', '--force');
  await git('commit', '--quiet', '--no-verify', '--message', 'Import');
}
