// The bundle of the workflows holds only what replays the same everywhere.
//   - a module from elsewhere is named, with the module that imports it
//   - lint sees single imports; this sees what they pull in
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type BundleOptions } from '@temporalio/worker';

type WebpackConfig = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];
type Plugin = Extract<NonNullable<WebpackConfig['plugins']>[number], (...args: never) => void>;

const root = fileURLToPath(new URL('../..', import.meta.url));
const quiet = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

const allowed = [
  /^(workflows|contracts)\//,
  /^node_modules\/@temporalio\/(workflow|common)\//,
  /^node_modules\/(nexus-rpc|long|ms)\//,
];

test('nothing but workflows, contracts and Temporal gets into the workflow bundle', async () => {
  const intruders = await intrudersIn('workflows', allowed);

  expect(intruders).toEqual([]);
});

test('a workflow that imports zod is named together with zod', async () => {
  const folder = 'tests/architecture/impure-workflows';

  const intruders = await intrudersIn(folder, [...allowed, new RegExp(`^${folder}/`)]);

  expect(intruders).toContainEqual(
    expect.stringMatching(/^node_modules\/zod\/.* imported by .*impure-workflows\/index\.ts$/),
  );
});

/** Bundles `folder` and tells which modules are not allowed, and what imports them. */
async function intrudersIn(folder: string, mayHold: RegExp[]): Promise<string[]> {
  const importers = await bundledModules(folder);
  const isForeign = (path: string): boolean => !mayHold.some((pattern) => pattern.test(path));
  return [...importers]
    .filter(([path]) => isForeign(path))
    .map(([path, importer]) => `${path}, imported by ${importer}`);
}

/** The path of every bundled module, with the path of the module that imported it first. */
async function bundledModules(folder: string): Promise<Map<string, string>> {
  const importers = new Map<string, string>();
  const listModules: Plugin = ({ hooks }) => {
    hooks.done.tap('list-modules', ({ compilation }) => {
      for (const module of compilation.modules) {
        const file = module.nameForCondition();
        const importer = compilation.moduleGraph.getIssuer(module)?.nameForCondition();
        // Only the entry point, which the bundler writes, has no importer.
        if (file && importer) importers.set(relative(root, file), relative(root, importer));
      }
    });
  };
  await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(`../../${folder}`, import.meta.url)),
    workflowInterceptorModules: [fileURLToPath(new URL('../../workflows/trace', import.meta.url))],
    logger: { ...quiet, log: ignore },
    webpackConfigHook: (config) => ({
      ...config,
      plugins: [...(config.plugins ?? []), listModules],
    }),
  });
  return importers;
}

function ignore(): void {
  // The bundler reports its size and timing.
}
