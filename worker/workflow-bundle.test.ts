import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
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
  const began = performance.now();
  const second = await prepareWorkflowBundle(cache, logger);
  const tookMs = performance.now() - began;

  expect(atOnce).toBe(first);
  expect(second).toBe(first);
  expect(tookMs).toBeLessThan(200);
  expect(await readdir(cache)).toHaveLength(1);
  expect(await readFile(first, 'utf8')).toContain('agentTask');
  await rm(cache, { recursive: true });
}, 30_000);
