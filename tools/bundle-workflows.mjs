// Puts the compiled workflows of a build folder into its workflow-bundle.js, so that no worker has to at its start.
//
//   node tools/bundle-workflows.mjs FOLDER
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { argv } from 'node:process';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const folder = resolve(argv[2]);
const { code } = await bundleWorkflowCode({
  workflowsPath: join(folder, 'workflows'),
  workflowInterceptorModules: [join(folder, 'workflows', 'trace')],
  logger: new DefaultLogger('WARN'),
});
await writeFile(join(folder, 'workflow-bundle.js'), code);
