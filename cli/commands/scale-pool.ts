/**
 * `ado pools scale`: another number of workers, as a value that Helm owns. Replicas that anybody else sets, `kubectl
 * scale` for one, make the next upgrade of the release end in a conflict.
 */
import { join } from 'node:path';
import { parse } from 'yaml';
import type { KubernetesConfig } from '../../config/cli-config.ts';
import { suggestWord } from '../../config/closest-word.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Cli } from '../cli.ts';
import { checkoutRoot } from '../dev/checkout.ts';
import { exitCodes } from '../exit-codes.ts';
import { clusterFlags, lastWords, runTool } from '../kubernetes/run-tool.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { loadContext } from '../settings.ts';
import { countOf } from '../texts.ts';

/** What is asked for. */
export interface ScaleOptions {
  readonly pool: string;
  readonly workers: number;
  readonly output: OutputFormat;
}

/** Of the values of a release, what decides how many workers a pool has. */
interface PoolValues {
  readonly replicas?: number;
  readonly autoscaling?: { readonly mode?: string };
}
interface ReleaseValues {
  readonly workerDefaults?: PoolValues;
  readonly workerPools?: Readonly<Record<string, PoolValues | null>>;
}

/** Scales a pool; answers the exit code. @throws USAGE, PROGRAM_MISSING, UPGRADE_FAILED */
export async function scalePool(
  cli: Cli,
  { pool, workers, output }: ScaleOptions,
): Promise<number> {
  const { name, kubernetes } = await loadContext(cli);
  if (kubernetes === undefined) {
    throw new AppError(
      'USAGE',
      `The context ${name} is no release on Kubernetes: there is nothing to scale. Name one with --context, or add one: \`ado context add --help\`.`,
    );
  }
  const { release } = kubernetes;
  const helm = (words: readonly string[]): Promise<string> => runHelm(cli, kubernetes, words);
  const values = JSON.parse(
    await helm(['get', 'values', release, '--all', '-o', 'json']),
  ) as ReleaseValues;
  const before = findReplicas(values, pool);
  const chart = kubernetes.chart ?? join(checkoutRoot(), 'helm');
  await assertSameChart(helm, release, chart);

  const words = ['upgrade', release, chart, '--reset-then-reuse-values'];
  const set = ['--set', `workerPools.${pool}.replicas=${workers}`, '-o', 'json'];
  cli.terminal.note(`helm ${[...words, ...set.slice(0, 2), ...flags(kubernetes)].join(' ')}`);
  const upgrade = (): Promise<string> => helm([...words, ...set]);
  // An autoscaler of another pool may have moved while this was rendered: once more, with what is there then.
  const answer = await upgrade().catch((error: unknown) => {
    if (error instanceof AppError && /conflict/i.test(error.message)) return upgrade();
    throw error;
  });
  const { version: revision } = JSON.parse(answer) as { readonly version: number };
  const value = { pool, before: before ?? null, workers, release, revision };
  await print(cli.terminal, output, {
    value,
    names: [pool],
    text: () =>
      `Pool ${pool} has ${countOf(workers, 'worker')} now${before === undefined ? '' : `, before ${before}`} (release ${release}, revision ${revision}).`,
  });
  return exitCodes.ok;
}

function flags(kubernetes: KubernetesConfig): string[] {
  return clusterFlags('helm', kubernetes);
}

async function runHelm(
  { environment }: Cli,
  kubernetes: KubernetesConfig,
  words: readonly string[],
): Promise<string> {
  const end = await runTool(environment, 'helm', [...words, ...flags(kubernetes)]);
  if (end.ok) return end.stdout;
  throw new AppError(
    'UPGRADE_FAILED',
    `helm ${words.slice(0, 2).join(' ')}: ${lastWords(end.stderr)}`,
  );
}

/** Answers how many workers the pool has by the values. @throws USAGE when there is no such pool, or it is autoscaled */
function findReplicas(
  { workerPools = {}, workerDefaults }: ReleaseValues,
  pool: string,
): number | undefined {
  const names = Object.keys(workerPools);
  const values = workerPools[pool];
  if (values === undefined || values === null) {
    const known = `The release has ${names.join(', ')}.`;
    throw new AppError('USAGE', `There is no pool "${pool}"${suggestWord(pool, names)} ${known}`);
  }
  const mode = values.autoscaling?.mode ?? workerDefaults?.autoscaling?.mode ?? 'none';
  if (mode === 'none') return values.replicas ?? workerDefaults?.replicas;
  throw new AppError(
    'USAGE',
    `An autoscaler (${mode}) decides how many workers ${pool} has. Upgrade the release with other bounds: --set workerPools.${pool}.autoscaling.min=… and …max=….`,
  );
}

/** An upgrade with another chart would change more than a number. @throws USAGE */
async function assertSameChart(
  helm: (words: readonly string[]) => Promise<string>,
  release: string,
  chart: string,
): Promise<void> {
  const installed = JSON.parse(await helm(['get', 'metadata', release, '-o', 'json'])) as {
    readonly chart: string;
    readonly version: string;
  };
  const ours = parse(await helm(['show', 'chart', chart])) as { name: string; version: string };
  if (ours.name === installed.chart && ours.version === installed.version) return;
  throw new AppError(
    'USAGE',
    `The release is of chart ${installed.chart} ${installed.version}, and ${chart} is ${ours.name} ${ours.version}: upgrading with it would change more than a number. Give the context the chart of the release: \`ado context add … --chart PATH\`.`,
  );
}
