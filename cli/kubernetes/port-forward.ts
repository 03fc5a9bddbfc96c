/** The way to the API of a release on Kubernetes: a port of this machine, which kubectl forwards while the call runs. */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { CliEnvironment } from '../../config/cli-environment.ts';
import type { KubernetesConfig } from '../../config/cli-config.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Address } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import type { ResolvedContext } from '../contexts.ts';
import { answerLimitMs, askCluster, clusterFlags, lastWords, toolMissing } from './run-tool.ts';

/** Port of the API's service in the chart. */
const servicePort = 3000;

/**
 * Makes what finds the address. The port is forwarded from the first call on; when kubectl ends, as it does with its pod,
 * the next call begins anew with another pod. It ends with this process.
 * @throws PROGRAM_MISSING, KEY_MISSING
 */
export async function forwardToApi(
  { environment }: Cli,
  context: ResolvedContext,
  kubernetes: KubernetesConfig,
): Promise<() => Promise<Address>> {
  const key = context.key ?? (await findSecretKey(environment, kubernetes));
  let current: Promise<string> | undefined;
  return async () => {
    current ??= forward(environment, kubernetes, () => {
      current = undefined;
    });
    return { url: await current, key };
  };
}

/** Reads the API key from the context's secret; undefined when it has none. @throws PROGRAM_MISSING, KEY_MISSING */
export async function findSecretKey(
  environment: CliEnvironment,
  kubernetes: KubernetesConfig,
): Promise<string | undefined> {
  if (kubernetes.keySecret === undefined) return undefined;
  const [name = '', entry = ''] = kubernetes.keySecret.split('/');
  const words = ['get', 'secret', name, '-o', 'json', ...clusterFlags('kubectl', kubernetes)];
  const { ok, stdout, stderr } = await askCluster(environment, words);
  if (!ok) {
    const message = `kubectl cannot read the secret ${name} with the API key: ${lastWords(stderr)}`;
    throw new AppError('KEY_MISSING', message);
  }
  const { data } = JSON.parse(stdout) as { readonly data?: Readonly<Record<string, string>> };
  const value = data?.[entry];
  if (value === undefined)
    throw new AppError('KEY_MISSING', `The secret ${name} has no entry ${entry}.`);
  return Buffer.from(value, 'base64').toString('utf8').trim();
}

/** Asks the context's cluster for its service. @throws SERVER_UNREACHABLE when there is none, PROGRAM_MISSING */
export async function assertService(
  environment: CliEnvironment,
  kubernetes: KubernetesConfig,
): Promise<void> {
  const { service, namespace } = kubernetes;
  const words = ['get', 'service', service, '-o', 'name', ...clusterFlags('kubectl', kubernetes)];
  const { ok, stderr } = await askCluster(environment, words);
  if (ok) return;
  const message = `kubectl finds no service ${service} in namespace ${namespace}: ${lastWords(stderr)}`;
  throw new AppError('SERVER_UNREACHABLE', message);
}

async function forward(
  { variables }: CliEnvironment,
  kubernetes: KubernetesConfig,
  onEnd: () => void,
): Promise<string> {
  const target = `service/${kubernetes.service}`;
  const flags = clusterFlags('kubectl', kubernetes);
  const words = ['port-forward', target, `:${servicePort}`, '--address', '127.0.0.1', ...flags];
  const child = spawn('kubectl', words, { env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithUs(child);
  return new Promise((resolve, reject) => {
    let said = '';
    let failed = '';
    const giveUp = setTimeout(() => {
      child.kill();
    }, answerLimitMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const port = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (port === undefined) return;
      clearTimeout(giveUp);
      letGo(child);
      resolve(`http://127.0.0.1:${port}`);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (failed += text));
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(giveUp);
      onEnd();
      reject(error.code === 'ENOENT' ? toolMissing('kubectl') : error);
    });
    child.once('close', () => {
      clearTimeout(giveUp);
      onEnd();
      const why = lastWords(failed) || `no answer within ${answerLimitMs / 1_000} s`;
      const place = `${target} in namespace ${kubernetes.namespace}`;
      const message = `kubectl cannot forward a port to ${place}: ${why}`;
      reject(new AppError('SERVER_UNREACHABLE', message));
    });
  });
}

/** Once it forwards, it keeps nobody from ending. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
}

/** However this process ends, other than by SIGKILL, kubectl ends too. */
function endWithUs(child: ChildProcess): void {
  const end = (): void => {
    child.kill();
  };
  process.once('exit', end);
  child.once('close', () => process.off('exit', end));
  // A signal that nobody here handles would end this process without a word.
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const onSignal = (): void => {
      if (process.listenerCount(name) === 1) process.exit(code);
    };
    process.on(name, onSignal);
    child.once('close', () => process.off(name, onSignal));
  }
}
