/** Contexts: which server a command speaks to, and with which key. */
import type { CliEnvironment } from '../config/cli-environment.ts';
import type { ContextConfig, KubernetesConfig, UserConfig } from '../config/cli-config.ts';
import { suggestWord } from '../config/closest-word.ts';
import { AppError } from '../contracts/errors.ts';

/** The context that is always there: the platform of this machine. */
export const localContext = 'local';
/** What the context is called when ADO_URL names the server. */
const environmentContext = 'environment';

/** Where a setting came from. */
export type Source = 'flag' | 'environment' | 'user' | 'project' | 'default';

/** The context of a call. */
export interface ResolvedContext {
  readonly name: string;
  readonly nameSource: Source;
  /** Undefined in `local`, where the platform says where it is, and on Kubernetes. */
  readonly url: string | undefined;
  /** Of a release on Kubernetes: how it is reached. */
  readonly kubernetes: KubernetesConfig | undefined;
  /** Undefined in `local` unless ADO_API_KEY is set: the platform made its own. */
  readonly key: string | undefined;
  /** Where the key came from, in words; undefined when there is none here. */
  readonly keySource: string | undefined;
}

/**
 * Decides the context: --context, then ADO_URL, then ADO_CONTEXT, then the user's current one, then `local`.
 * @throws CONTEXT_NOT_FOUND
 */
export function resolveContext(
  environment: CliEnvironment,
  flag: string | undefined,
  user: UserConfig,
): ResolvedContext {
  if (flag === undefined && environment.url !== undefined) return fromEnvironment(environment);
  const { word, nameSource } = chooseName(environment, flag, user);
  const contexts = user.contexts ?? {};
  const name = word === 'k8s' && contexts['k8s'] === undefined ? 'kubernetes' : word;
  const config = contexts[name];
  if (config === undefined && name !== localContext) {
    const names = [localContext, ...Object.keys(contexts)];
    if (name === 'kubernetes') throw noCluster();
    throw new AppError(
      'CONTEXT_NOT_FOUND',
      `There is no context "${word}"${suggestWord(word, names)}`,
    );
  }
  const own = config === undefined ? undefined : findKey(config, environment);
  const variable = findVariableKey(environment);
  // A context that the command line names brings its own key; the variable only stands in where it has none.
  const key = nameSource === 'flag' ? (own ?? variable) : (variable ?? own);
  const { url, kubernetes } = config ?? {};
  return { name, nameSource, url, kubernetes, key: key?.value, keySource: key?.source };
}

/** Answers whether a context is the platform of this machine. */
export function isLocal({ url, kubernetes }: Pick<ResolvedContext, 'url' | 'kubernetes'>): boolean {
  return url === undefined && kubernetes === undefined;
}

function noCluster(): AppError {
  const error = new AppError('CONTEXT_NOT_FOUND', 'There is no context "kubernetes" yet.');
  const remedy =
    'Say where the chart is installed: `ado context add kubernetes --namespace ado-system --key-secret ado-secrets/ADO_BOOTSTRAP_API_KEY`.';
  return Object.assign(error, { remedy });
}

function fromEnvironment(environment: CliEnvironment): ResolvedContext {
  const key = findVariableKey(environment);
  return {
    name: environmentContext,
    nameSource: 'environment',
    url: environment.url,
    kubernetes: undefined,
    key: key?.value,
    keySource: key?.source,
  };
}

interface Key {
  readonly value: string;
  readonly source: string;
}

function findVariableKey({ apiKey }: CliEnvironment): Key | undefined {
  return apiKey === undefined ? undefined : { value: apiKey, source: 'ADO_API_KEY' };
}

function findKey(config: ContextConfig, environment: CliEnvironment): Key | undefined {
  if (config.key !== undefined) return { value: config.key, source: environment.userConfigPath };
  if (config.keyEnv === undefined) return undefined;
  const value = environment.variables[config.keyEnv] ?? '';
  return value === '' ? undefined : { value, source: config.keyEnv };
}

function chooseName(
  environment: CliEnvironment,
  flag: string | undefined,
  user: UserConfig,
): { readonly word: string; readonly nameSource: Source } {
  if (flag !== undefined) return { word: flag, nameSource: 'flag' };
  if (environment.contextName !== undefined)
    return { word: environment.contextName, nameSource: 'environment' };
  if (user.current !== undefined) return { word: user.current, nameSource: 'user' };
  return { word: localContext, nameSource: 'default' };
}
