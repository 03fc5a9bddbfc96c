/** The request of `run` and `plan`: flags over defaults over what the folder is. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { AppError } from '../contracts/errors.ts';
import type { submitBatchSchema } from '../contracts/batch.schema.ts';
import type {
  AgentKind,
  Delivery,
  GateProfile,
  Policy,
  submitTaskSchema,
} from '../contracts/task.schema.ts';
import type { Cli } from './cli.ts';
import { joinDefaults, loadProjectConfig, loadUserConfig } from './settings.ts';
import type { Defaults } from './settings.ts';
import { gatherTargets } from './targets/gather-targets.ts';
import { toRepository } from './targets/target.ts';
import type { Target } from './targets/target.ts';
import { parseDurationMs, parseFailureBudget, parseMicroUsd } from './values.ts';

/** The flags of `run` and `plan` that say what is to be done, as commander gives them. */
export interface WorkOptions {
  readonly file?: string | undefined;
  readonly repos?: string | undefined;
  readonly repo?: readonly string[] | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly sample?: number | undefined;
  readonly seed?: string | undefined;
  readonly parallel?: number | undefined;
  readonly agent?: AgentKind | undefined;
  readonly model?: string | undefined;
  readonly exec?: string | undefined;
  readonly gate?: readonly (readonly [string, string])[] | undefined;
  /** Milliseconds. */
  readonly gateTimeout?: number | undefined;
  readonly gateProfile?: GateProfile | undefined;
  readonly setup?: string | undefined;
  readonly allowHost?: readonly string[] | undefined;
  /** Millionths of a dollar. */
  readonly maxCost?: number | undefined;
  /** Millionths of a dollar. */
  readonly confirmAbove?: number | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly failureBudget?: number | undefined;
  readonly priority?: number | undefined;
  readonly label?: readonly (readonly [string, string])[] | undefined;
  readonly base?: string | undefined;
  readonly name?: string | undefined;
  readonly policy?: Policy | undefined;
  /** The name that --policy has in older documents. */
  readonly hitl?: Policy | undefined;
  readonly sandbox?: 'bubblewrap' | 'none' | undefined;
  readonly deliver?: Delivery['mode'] | undefined;
  readonly target?: string | undefined;
  readonly publish?: true | undefined;
  readonly fresh?: true | undefined;
}

/** Body of a task's submission. */
export type TaskBody = z.input<typeof submitTaskSchema>;
/** Body of a batch's submission, and of a plan. */
export type BatchBody = z.input<typeof submitBatchSchema>;

/** What is asked of the server. */
export type WorkRequest =
  | { readonly kind: 'task'; readonly body: TaskBody }
  | { readonly kind: 'batch'; readonly body: BatchBody; readonly targets: readonly Target[] };

/**
 * Builds the request. A batch when --repos or several repositories are given, else a task.
 * @throws USAGE, FILE_INVALID or NOT_A_GIT_REPOSITORY
 */
export async function buildRequest(
  cli: Cli,
  words: readonly string[],
  options: WorkOptions,
): Promise<WorkRequest> {
  const project = await loadProjectConfig(cli);
  const defaults = joinDefaults(await loadUserConfig(cli), project);
  const { prompt, more } = await readPrompt(cli, words, options);
  const work = { prompt, ...workOf(cli, options, defaults) };
  const baseRef = options.base ?? defaults.base?.value;
  const repositories =
    options.repo ?? (options.repos === undefined ? project.repositories : undefined) ?? [];
  const only = repositories[0];
  const isBatch =
    options.repos !== undefined ||
    repositories.length > 1 ||
    (only !== undefined && /[*?[{]/.test(only));
  if (isBatch) {
    const repos = options.repos === undefined ? [] : [options.repos, ...more];
    const targets = await gatherTargets(cli, {
      ...targetOptions(options),
      repos,
      repo: repositories,
    });
    const items = targets.map((target) => toItem(target, baseRef));
    return { kind: 'batch', targets, body: { ...work, ...batchOf(options, defaults), items } };
  }
  assertNoBatchFlags(options);
  const repository =
    only === undefined ? findRepository(cli.environment.cwd) : toRepository(only, cli.environment);
  return {
    kind: 'task',
    body: { ...work, repository, ...(baseRef === undefined ? {} : { baseRef }) },
  };
}

/** Turns any request into that of a batch, which is what can be planned. */
export function toBatchBody(request: WorkRequest): BatchBody {
  if (request.kind === 'batch') return request.body;
  const { repository, baseRef, ...work } = request.body;
  return { ...work, items: [{ repository, ...(baseRef === undefined ? {} : { baseRef }) }] };
}

interface PromptAndMore {
  readonly prompt: string;
  /** Arguments after the prompt: what the shell made of an unquoted pattern of --repos. */
  readonly more: readonly string[];
}

async function readPrompt(
  cli: Cli,
  words: readonly string[],
  options: WorkOptions,
): Promise<PromptAndMore> {
  const first = options.file === undefined ? words[0] : undefined;
  const rest = options.file === undefined ? words.slice(1) : words;
  if (rest.length > 0 && options.repos === undefined) {
    const hint =
      options.file === undefined
        ? 'Put the prompt in quotes.'
        : 'Give a prompt or --file, not both.';
    throw new AppError('USAGE', `Too many arguments: ${rest.join(' ')}. ${hint}`);
  }
  if (options.file !== undefined) return { prompt: readPromptFile(cli, options.file), more: rest };
  if (first === undefined) {
    throw new AppError(
      'USAGE',
      'What is to be done? Give a prompt, --file task.md, or - to read it from stdin.',
    );
  }
  if (first !== '-') return { prompt: first, more: rest };
  if (options.repos === '-')
    throw new AppError('USAGE', 'Only one of prompt and --repos can be read from stdin.');
  return { prompt: await cli.readStdin(), more: rest };
}

function readPromptFile(cli: Cli, file: string): string {
  const path = resolve(cli.environment.cwd, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('FILE_INVALID', `--file names ${path}, which cannot be read.`, {
      cause: error,
    });
  }
}

type SharedWork = Omit<TaskBody, 'prompt' | 'repository' | 'baseRef' | 'variables'>;

/** How the work is done. A default that does not go with the agent is left out; a flag never is. */
function workOf(cli: Cli, options: WorkOptions, defaults: Defaults): SharedWork {
  const labels = { ...defaults.labels?.value, ...Object.fromEntries(options.label ?? []) };
  return defined({
    ...agentOf(cli, options, defaults),
    ...checksOf(options, defaults),
    maxCostMicroUsd:
      options.maxCost ?? convert(defaults.maxCost, (dollars) => parseMicroUsd(dollars.toFixed(6))),
    confirmAboveCostMicroUsd: options.confirmAbove,
    timeoutMs: options.timeout ?? convert(defaults.timeout, parseDurationMs),
    priority: options.priority ?? defaults.priority?.value,
    labels: Object.keys(labels).length === 0 ? undefined : labels,
    policy: options.policy ?? options.hitl ?? defaults.policy?.value,
    sandbox: options.sandbox,
    delivery: deliveryOf(options, defaults),
    fresh: options.fresh,
  });
}

/** @throws USAGE when a flag says what nothing would be done with */
function deliveryOf(options: WorkOptions, defaults: Defaults): SharedWork['delivery'] {
  const { deliver, target } = options;
  if (target !== undefined && deliver !== 'merge' && deliver !== 'pull-request')
    throw new AppError('USAGE', '--target goes with --deliver merge or --deliver pull-request.');
  if (options.publish === true && deliver === 'patch')
    throw new AppError('USAGE', '--deliver patch pushes nothing: leave one of the two out.');
  // Other modes push by themselves, or never.
  const isBranch = deliver === undefined || deliver === 'branch';
  const publish = isBranch && (options.publish ?? defaults.publish?.value) === true;
  if (deliver === undefined && !publish) return undefined;
  return defined({ mode: deliver, target, publish: publish ? true : undefined });
}

/** What the work has to pass, and what the sandbox needs for it. */
function checksOf(
  options: WorkOptions,
  defaults: Defaults,
): Pick<SharedWork, 'gates' | 'gateProfile' | 'setup' | 'allowHosts'> {
  const gates = options.gate ?? Object.entries(defaults.gates?.value ?? {});
  return defined({
    gates: gates.length === 0 ? undefined : gates.map((gate) => toGate(gate, options)),
    gateProfile: options.gateProfile ?? defaults.gateProfile?.value,
    setup: options.setup ?? defaults.setup?.value,
    allowHosts: options.allowHost === undefined ? undefined : [...options.allowHost],
  });
}

function toGate(
  [name, command]: readonly [string, string],
  { gateTimeout: timeoutMs }: WorkOptions,
): NonNullable<SharedWork['gates']>[number] {
  return { name, command, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

function agentOf(
  cli: Cli,
  options: WorkOptions,
  defaults: Defaults,
): Pick<SharedWork, 'agent' | 'exec' | 'model'> {
  const agent =
    options.agent ?? (options.exec === undefined ? defaultAgent(options, defaults) : 'command');
  const takesExec = agent === 'command' || agent === 'acp';
  const exec = options.exec ?? (takesExec ? defaults.exec?.value : undefined);
  const usual = defaults.model?.value;
  const fits =
    agent === 'builtin' || (agent !== 'command' && usual?.startsWith('scripted:') !== true);
  const model = options.model ?? (fits ? usual : undefined);
  return {
    agent,
    ...(exec === undefined ? {} : { exec: toAbsoluteCommand(exec, cli) }),
    ...(model === undefined ? {} : { model: toAbsoluteScript(model, cli) }),
  };
}

function defaultAgent(options: WorkOptions, defaults: Defaults): AgentKind {
  if (defaults.agent !== undefined) return defaults.agent.value;
  return defaults.exec !== undefined && options.model === undefined ? 'command' : 'builtin';
}

function batchOf(
  options: WorkOptions,
  defaults: Defaults,
): Pick<BatchBody, 'name' | 'parallel' | 'failureBudget'> {
  return defined({
    name: options.name,
    parallel: options.parallel ?? defaults.parallel?.value,
    failureBudget:
      options.failureBudget ??
      convert(defaults.failureBudget, (value) => parseFailureBudget(String(value))),
  });
}

function convert<From, To>(
  value: { readonly value: From } | undefined,
  to: (from: From) => To,
): To | undefined {
  return value === undefined ? undefined : to(value.value);
}

/** The object without its undefined values, which JSON and the strict schemas do not know. */
function defined<T extends object>(object: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

function targetOptions(options: WorkOptions): Parameters<typeof gatherTargets>[1] {
  const { include = [], exclude = [], sample, seed } = options;
  return { repos: [], repo: [], include, exclude, sample, seed };
}

function toItem(target: Target, baseRef: string | undefined): BatchBody['items'][number] {
  const { source: _, ...item } = target;
  const hasBase = target.baseRef !== undefined || target.baseCommit !== undefined;
  return defined({ ...item, baseRef: hasBase ? target.baseRef : baseRef });
}

const batchFlags = ['name', 'failureBudget', 'include', 'exclude', 'sample', 'seed'] as const;

function assertNoBatchFlags(options: WorkOptions): void {
  const given = batchFlags.find((flag) => options[flag] !== undefined);
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new AppError('USAGE', `--${flag} is for batches: give --repos, or --repo several times.`);
}

/** The top folder of the repository that a folder is in. */
function findRepository(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (folder === dirname(folder)) break;
  }
  throw new AppError(
    'NOT_A_GIT_REPOSITORY',
    `${cwd} is in no git repository, and neither --repo nor --repos names one.`,
  );
}

/** A program given by a path from here is found from any worktree: its path is made absolute. */
function toAbsoluteCommand(exec: string, { environment }: Cli): string {
  const [program = ''] = exec.trimStart().split(/\s/, 1);
  if (!program.includes('/') || program.startsWith('/')) return exec;
  const path = toRepository(program, environment);
  if (!existsSync(path)) return exec;
  const rest = exec.trimStart().slice(program.length);
  return `${/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`}${rest}`;
}

function toAbsoluteScript(model: string, { environment }: Cli): string {
  const script = /^scripted:(?!\/)(.+)$/.exec(model)?.[1];
  return script === undefined ? model : `scripted:${toRepository(script, environment)}`;
}
