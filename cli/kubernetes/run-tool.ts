/** kubectl and helm, as a context calls them. */
import { execFile } from 'node:child_process';
import type { CliEnvironment } from '../../config/cli-environment.ts';
import type { KubernetesConfig } from '../../config/cli-config.ts';
import { AppError } from '../../contracts/errors.ts';

/** The programs that a context on Kubernetes needs. */
export type Tool = 'kubectl' | 'helm';

/** Where each of them is to be had. */
export const toolHomes: Readonly<Record<Tool, string>> = {
  kubectl: 'https://kubernetes.io/docs/tasks/tools/',
  helm: 'https://helm.sh/docs/intro/install/',
};

/** The flags that lead a program to the context's cluster and namespace. */
export function clusterFlags(
  tool: Tool,
  { namespace, kubeconfig, kubeContext }: KubernetesConfig,
): string[] {
  const contextFlag = tool === 'kubectl' ? '--context' : '--kube-context';
  return [
    '--namespace',
    namespace,
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(kubeContext === undefined ? [] : [contextFlag, kubeContext]),
  ];
}

/** A program that is not on PATH. */
export function toolMissing(tool: Tool): AppError {
  const error = new AppError('PROGRAM_MISSING', `${tool} is not on PATH; this context needs it.`);
  return Object.assign(error, { remedy: `Install it: ${toolHomes[tool]}` });
}

/** The last thing that a program said: its errors end with what is wrong. */
export function lastWords(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** How a call of a program ended. */
export interface ToolEnd {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** A cluster that does not even refuse keeps kubectl trying for minutes; one that answers does so within this. */
export const answerLimitMs = 20_000;

/** Runs a program to its end. @throws PROGRAM_MISSING */
export async function runTool(
  { variables }: Pick<CliEnvironment, 'variables'>,
  tool: Tool,
  words: readonly string[],
): Promise<ToolEnd> {
  return run(tool, words, { env: variables, timeout: 0 });
}

/** Has kubectl ask a cluster that may not answer. @throws PROGRAM_MISSING */
export async function askCluster(
  { variables }: Pick<CliEnvironment, 'variables'>,
  words: readonly string[],
): Promise<ToolEnd> {
  return run('kubectl', words, { env: variables, timeout: answerLimitMs });
}

async function run(
  tool: Tool,
  words: readonly string[],
  options: { readonly env: CliEnvironment['variables']; readonly timeout: number },
): Promise<ToolEnd> {
  return new Promise((resolve, reject) => {
    execFile(tool, words, { ...options, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error?.code === 'ENOENT') reject(toolMissing(tool));
      else if (error?.killed === true)
        resolve({ ok: false, stdout, stderr: `no answer within ${options.timeout / 1_000} s` });
      else resolve({ ok: error === null, stdout, stderr });
    });
  });
}
