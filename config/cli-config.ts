/**
 * The configuration files of the command line: the user's (contexts, defaults) and the project's (repositories,
 * defaults). Every key is described here and nowhere else.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { AppError } from '../contracts/errors.ts';
import { agentKindSchema, gateProfileSchema, policySchema } from '../contracts/task.schema.ts';
import { suggestWord } from './closest-word.ts';
import { parseYamlFile } from './yaml-file.ts';

/** What `ado run` and `ado plan` take when a flag is not given, by the flags' own names and forms. */
const runDefaults = {
  agent: agentKindSchema.describe('Agent that does the work.'),
  model: z.string().min(1).describe('Model of every agent but `command`, `provider:model`.'),
  exec: z
    .string()
    .min(1)
    .describe('Command of the command agent; of `acp` the one that starts the agent.'),
  parallel: z.int().min(1).max(500).describe('Items of a batch that work at once.'),
  gates: z
    .record(z.string(), z.string().min(1))
    .describe('Checks that the work must pass: name and command.'),
  gateProfile: gateProfileSchema.describe("Which of the repository's own checks count, too."),
  setup: z.string().min(1).describe('Command that installs what checks need, run before the work.'),
  maxCost: z.number().positive().describe('Spending limit of a task, in US dollars.'),
  timeout: z
    .string()
    .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration is a number and ms, s, m, h or d, such as 30m')
    .describe('Work time of an attempt, such as `30m`.'),
  failureBudget: z
    .union([
      z.int().nonnegative(),
      z.string().regex(/^\d+(\.\d+)?%$/, 'a count, or a share such as 10%'),
    ])
    .describe('Failed items after which no new ones start: a count, or a share such as `10%`.'),
  priority: z.int().min(1).max(5).describe('1 is first, 5 last.'),
  labels: z.record(z.string(), z.string()).describe('Labels of the task or batch.'),
  publish: z
    .boolean('true or false')
    .describe('Whether branches are pushed into repositories on other hosts, too.'),
  policy: policySchema.describe('How far people are asked; default `autonomous`.'),
  base: z.string().min(1).describe('Branch, tag or commit that the work begins from.'),
};
const runDefaultsSchema = z.strictObject(runDefaults).partial();

/** `ado.config.yaml` of a project. */
export const projectConfigSchema = z
  .strictObject({
    ...runDefaults,
    repositories: z
      .array(z.string().min(1))
      .min(1)
      .describe('Targets when neither --repos nor --repo is given: paths, patterns or URLs.'),
  })
  .partial();
/** What a project file says. */
export type ProjectConfig = z.infer<typeof projectConfigSchema>;

const contextName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a context name is a–z, 0–9 and -, at most 40');
const kubernetesSchema = z.strictObject({
  namespace: z.string().min(1).describe('Namespace of the release.'),
  service: z.string().min(1).default('ado-api').describe("Service of the release's API."),
  release: z.string().min(1).default('ado').describe('Name of the release; for `ado pools scale`.'),
  chart: z
    .string()
    .min(1)
    .optional()
    .describe("Chart of the release; for `ado pools scale`. Default: this ado's own."),
  kubeconfig: z.string().min(1).optional().describe("Default: kubectl's own."),
  kubeContext: z
    .string()
    .min(1)
    .optional()
    .describe('Context of the kubeconfig. Default: its current one.'),
  keySecret: z
    .string()
    .regex(/^[^/]+\/[^/]+$/, 'a secret and a key in it, such as ado-secrets/ADO_BOOTSTRAP_API_KEY')
    .optional()
    .describe('Secret that holds the API key, `name/key`; read by `kubectl`.'),
});
/** A release of the chart on a cluster, reached through a port that kubectl forwards. */
export type KubernetesConfig = z.infer<typeof kubernetesSchema>;

const contextSchema = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/, error: 'a URL such as https://ado.example.com' })
      .optional()
      .describe('Address of the server.'),
    kubernetes: kubernetesSchema
      .optional()
      .describe('Release of the chart, reached through `kubectl port-forward`, in place of a URL.'),
    key: z.string().min(1).optional().describe('API key. Better kept elsewhere: see keyEnv.'),
    keyEnv: z
      .string()
      .min(1)
      .optional()
      .describe('Name of the environment variable that holds the API key.'),
  })
  .refine(
    ({ url, kubernetes }) => (url === undefined) !== (kubernetes === undefined),
    'give url or kubernetes, one of the two',
  )
  .refine(
    ({ key, keyEnv, kubernetes }) =>
      [key, keyEnv, kubernetes?.keySecret].filter((one) => one !== undefined).length <= 1,
    'give one of key, keyEnv and keySecret',
  );
/** A server that has a name. */
export type ContextConfig = z.infer<typeof contextSchema>;

/** The user's own file. */
export const userConfigSchema = z
  .strictObject({
    current: z
      .string()
      .min(1)
      .describe('Context used when neither --context nor ADO_CONTEXT names one.'),
    contexts: z.record(contextName, contextSchema).describe('Servers by name.'),
    defaults: runDefaultsSchema.describe('Defaults of `run` and `plan`.'),
  })
  .partial();
/** What the user's file says. */
export type UserConfig = z.infer<typeof userConfigSchema>;

/** Defaults of `run` and `plan`, from either file. */
export type RunDefaults = z.infer<typeof runDefaultsSchema>;

/** Finds and reads the user's file; undefined when there is none. @throws FILE_INVALID */
export function findUserConfig(path: string, variables: NodeJS.ProcessEnv): UserConfig | undefined {
  const text = findText(path);
  return text === undefined
    ? undefined
    : parseYamlFile({ path, text, variables }, userConfigSchema);
}

/** Finds and reads a project's file; undefined when there is none. @throws FILE_INVALID */
export function findProjectConfig(
  path: string,
  variables: NodeJS.ProcessEnv,
): ProjectConfig | undefined {
  const text = findText(path);
  return text === undefined
    ? undefined
    : parseYamlFile({ path, text, variables }, projectConfigSchema);
}

function findText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new AppError('FILE_INVALID', `${path} cannot be read.`, { cause: error });
  }
}

/** One change to the user's file: the value at a path of keys; undefined removes it. */
export interface UserConfigChange {
  readonly path: readonly string[];
  readonly value: unknown;
}

/**
 * Changes the user's file, keeping its comments; it is then readable by its owner only, because keys lie in it.
 * @throws FILE_INVALID when the outcome would not be valid; the file then stays as it was
 */
export function changeUserConfig(
  path: string,
  variables: NodeJS.ProcessEnv,
  changes: readonly UserConfigChange[],
): void {
  const before = findText(path) ?? '';
  parseYamlFile({ path, text: before, variables }, userConfigSchema);
  const document = parseDocument(before);
  for (const change of changes) {
    if (change.value === undefined) document.deleteIn(change.path);
    else document.setIn(change.path, document.createNode(change.value));
  }
  const text = document.toString();
  parseYamlFile({ path, text, variables }, userConfigSchema);
  writeOwnersFile(path, text);
}

function writeOwnersFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

/** A key that `ado config set` may change, with its meaning. */
export interface SettableKey {
  readonly name: string;
  readonly meaning: string;
}

/** The keys of `ado config get|set|view`: `context`, and the defaults of `run` that are single values. */
export const settableKeys: readonly SettableKey[] = [
  { name: 'context', meaning: userConfigSchema.shape.current.unwrap().description ?? '' },
  ...Object.entries(runDefaults)
    .filter(([, schema]) => !(schema instanceof z.ZodRecord))
    .map(([name, schema]) => ({ name, meaning: schema.description ?? '' })),
];

const truths = new Map([
  ['true', true],
  ['false', false],
]);

/**
 * Reads a word of the command line as the value of a key.
 * @throws USAGE when no such key is settable, or the value does not fit it
 */
export function toSetting(name: string, word: string): UserConfigChange {
  if (!settableKeys.some((key) => key.name === name)) {
    const names = settableKeys.map((key) => key.name);
    throw new AppError('USAGE', `There is no key "${name}" to set${suggestWord(name, names)}`);
  }
  if (name === 'context') return { path: ['current'], value: word };
  const schema: z.ZodType = runDefaults[name as keyof typeof runDefaults];
  const isNumber = word.trim() !== '' && schema.safeParse(Number(word)).success;
  const asNumber = isNumber ? Number(word) : word;
  const given = schema instanceof z.ZodBoolean ? (truths.get(word) ?? word) : asNumber;
  const value = schema.safeParse(given);
  if (value.success) return { path: ['defaults', name], value: value.data };
  throw new AppError(
    'USAGE',
    `"${word}" is no value for ${name}: ${value.error.issues[0]?.message ?? ''}`,
  );
}
