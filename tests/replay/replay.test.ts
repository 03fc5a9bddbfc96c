// Histories of real runs replay on today's workflows: what was begun before a deployment goes on after it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowBundle } from '@temporalio/worker';

const folder = join(__dirname, 'histories');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  const logger = new DefaultLogger('ERROR');
  const filter = { core: 'ERROR', other: 'ERROR' } as const;
  Runtime.install({ logger, telemetryOptions: { logging: { filter } } });
  const workflowsPath = join(__dirname, '..', '..', 'workflows');
  workflowBundle = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [join(workflowsPath, 'trace')],
    logger,
  });
});

async function replay(text: string): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle }, JSON.parse(text));
}

test('every kind of run has a history', () => {
  const kinds = files.map((name) => name.replace(/-\d{4}-\d\d-\d\d\.json$/, ''));

  expect(kinds).toEqual(
    expect.arrayContaining([
      'agentTask-command',
      'agentTask-command-cancelled',
      'agentTask-builtin-repair',
      'agentTask-builtin-other-approach',
      'agentTask-builtin-asks',
      'agentTask-builtin-asks-in-vain',
      'agentTask-builtin-asks-elsewhere',
      'agentTask-builtin-goes-on',
      'agentTask-command-reviewed',
      'agentBatch-continue-as-new',
      'agentBatch-continue-as-new-run-2',
      'agentBatch-cancelled',
    ]),
  );
});

test.each(files)('%s replays', async (name) => {
  await replay(readFileSync(join(folder, name), 'utf8'));
});

test('a history of other workflows does not replay', async () => {
  const name = files.find((file) => file.startsWith('agentTask-command-')) ?? '';
  const text = readFileSync(join(folder, name), 'utf8').replaceAll(
    'performCommandTask',
    'somethingElse',
  );

  await expect(replay(text)).rejects.toThrow(/TMPRL1100|ondeterminis/);
});
