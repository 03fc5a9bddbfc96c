// The script with which `helm test` has a workflow run, as the chart renders it, on real workers.
//   - it passes where workers of both pools work, without a key or an account, and leaves nothing behind
//   - it fails, and says of what, where nobody takes the work of a pool
import { delimiter, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runProgram, type ProgramResult } from '../../cli/dev/programs/run-program.ts';
import { getTemporalProgram } from '../../cli/dev/programs/temporal.ts';
import { startSharedAdo, until, type Ado } from '../support/ado-platform.ts';
import { renderChart, type KubeObject } from '../support/kube/rendered-chart.ts';
import { mainContainer, podOf } from '../support/kube/rendered-pods.ts';
import { testReporter } from '../support/services/test-process.ts';

let ado: Ado;
let objects: readonly KubeObject[];
let folder: string;
beforeAll(async () => {
  [ado, objects, folder] = await Promise.all([
    startSharedAdo({ workers: [{ ADO_POOLS: 'workflows,agents' }] }),
    renderChart({ values: { secrets: { existingSecret: 'ado-secrets' } } }),
    getTemporalProgram('temporal', { env: process.env, reporter: testReporter }).then(dirname),
  ]);
}, 300_000);
afterAll(async () => {
  await ado.stop();
});

test('a workflow that nobody takes up at the models fails it, one that comes back passes it', async () => {
  const [script = ''] = mainContainer(podOf(objects, 'Pod ado-test-workflow')).args ?? [];

  const without = await run(script);
  await ado.addWorker({ ADO_POOLS: 'models' });
  const complete = await run(script);

  expect(without.code).toBe(1);
  expect(without.stdout).toContain('WORKERS_MISSING');
  expect(without.stdout).toMatch(/did not go from ado-workflows to ado-models and back\n$/);
  expect(complete).toEqual({
    code: 0,
    stdout: 'a workflow went from ado-workflows to ado-models and back\n',
    stderr: '',
  });
  // Temporal deletes in its own time, about 15 s.
  const onlyTheFailedIsLeft = async (): Promise<boolean> => {
    await delay(500);
    const { stdout } = await run('temporal workflow list -n "$TEMPORAL_NAMESPACE" -o json');
    return (JSON.parse(stdout) as readonly unknown[]).length === 1;
  };
  await until('only the one that failed is left', onlyTheFailedIsLeft, 60_000);
});

async function run(script: string): Promise<ProgramResult> {
  const { address, namespace } = ado.temporal;
  return runProgram('sh', ['-euc', script], {
    env: {
      PATH: [folder, process.env['PATH']].join(delimiter),
      HOME: ado.home,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
    },
    timeoutMs: 100_000,
  });
}
