import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { prepareWorkflowBundle } from './workflow-bundle.ts';

test('a start after the first reads the bundle that the first has made', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'ado-bundle-'));
  const logger = new DefaultLogger('ERROR');

  const [first, atOnce] = await Promise.all([
    prepareWorkflowBundle(cache, logger),
    prepareWorkflowBundle(cache, logger),
  ]);
  const made = await stat(first);
  const second = await prepareWorkflowBundle(cache, logger);

  expect(atOnce).toBe(first);
  expect(second).toBe(first);
  // A file that was made again would be another one, renamed to this name.
  expect((await stat(second)).ino).toBe(made.ino);
  expect(await readdir(cache)).toHaveLength(1);
  expect(await readFile(first, 'utf8')).toContain('agentTask');
  await rm(cache, { recursive: true });
});
