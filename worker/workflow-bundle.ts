/** The workflows' code as one file, made by the build or once for each content: bundling takes about two seconds, reading none. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type Logger } from '@temporalio/worker';

/** Folders that the bundle is made of, beside the SDK. */
const sources = ['workflows', 'contracts'];

/** What tools/build.sh puts beside the compiled programs; beside the sources there is none. */
const builtBundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

/**
 * Answers the path of the bundle of `../workflows`: the one of the build, else one in `cacheDir`, which is made first when
 * it is not there yet. Several may do that at once: each writes a file of its own, and the last rename wins with the same
 * content.
 */
export async function prepareWorkflowBundle(cacheDir: string, logger: Logger): Promise<string> {
  if (await isFile(builtBundle)) return builtBundle;
  const root = fileURLToPath(new URL('..', import.meta.url));
  const codePath = join(cacheDir, `workflows-${await hashSources(root)}.js`);
  if (await isFile(codePath)) return codePath;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows'),
    workflowInterceptorModules: [join(root, 'workflows', 'trace')],
    logger,
  });
  await mkdir(cacheDir, { recursive: true });
  const partial = `${codePath}.${randomUUID()}`;
  await writeFile(partial, code);
  await rename(partial, codePath);
  return codePath;
}

/** Hash of all that decides the bundle: our sources, the version of the SDK, and where they lie (source maps name it). */
async function hashSources(root: string): Promise<string> {
  const hash = createHash('sha256').update(root);
  hash.update(await readFile(new URL('../package.json', import.meta.url)));
  for (const folder of sources) {
    const names = await readdir(join(root, folder), { recursive: true });
    for (const name of names.filter((file) => /\.[jt]s$/.test(file)).sort()) {
      const path = join(root, folder, name);
      hash.update(relative(root, path)).update(await readFile(path));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
}
