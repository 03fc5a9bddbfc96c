/** A task: what a caller sends to have one run, and what the API answers about it. */
import { z } from 'zod';
import { errorKinds, type ErrorCode } from './errors.ts';
import { isRemote } from './is-remote.ts';
import { batchIdPattern, taskIdPattern } from './names.ts';
import { failureClasses, outcomes, taskStatuses, waitReasons } from './task-status.ts';

/**
 * The kinds of agent. `command` runs a fixed program; `builtin` is ado's own loop over any model; `claude-code`, `codex`
 * and `gemini` are the vendors' programs; `acp` is any program that speaks the Agent Client Protocol.
 */
const agentKinds = ['command', 'builtin', 'claude-code', 'codex', 'gemini', 'acp'] as const;
export const agentKindSchema = z.enum(agentKinds);
export type AgentKind = z.infer<typeof agentKindSchema>;
/** Agents that are programs of others: one activity runs a whole turn of theirs. */
export type ProgramAgentKind = Exclude<AgentKind, 'command' | 'builtin'>;

export const taskIdSchema = z.string().regex(taskIdPattern, 'not a task id (task-<uuid>)');
export const batchIdSchema = z.string().regex(batchIdPattern, 'not a batch id (batch-<uuid>)');
/** A full commit id. */
export const commitIdSchema = z.string().regex(/^[0-9a-f]{40}$/, 'not a full commit id');
/** A point in time, ISO 8601 in UTC. */
export const instantSchema = z.iso.datetime();
/** Money: an integer of millionths of a US dollar. */
export const microUsdSchema = z.int().nonnegative();
export const errorCodeSchema = z.enum(Object.keys(errorKinds) as [ErrorCode, ...ErrorCode[]]);

/** A branch, tag or commit; no option can be smuggled in, as it may not begin with a dash. */
export const refSchema = z
  .string()
  .min(1)
  .max(250)
  .regex(/^[^-\s][^\s\0~^:?*[\\]*$/, 'not a git ref');

/** A check that the work must pass before it is delivered: a command, run by `sh -c` in the sandboxed worktree. */
export const gateSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'a gate name is a–z, 0–9 and -, at most 40'),
  command: z.string().min(1).max(4_000),
  /** Command that mends what it finds, such as a formatter: run once before the agent is told of a failure. */
  fix: z.string().min(1).max(4_000).optional(),
  /** After this time it is ended, and has failed. Default 10 minutes. */
  timeoutMs: z.int().min(1_000).max(86_400_000).optional(),
});
export type Gate = z.infer<typeof gateSchema>;

/** Which of the repository's own checks are looked for and must pass, and how strictly; `none` looks for none. */
export const gateProfileSchema = z.enum(['none', 'minimal', 'standard', 'strict']);
export type GateProfile = z.infer<typeof gateProfileSchema>;

/** A host that the task's programs may reach: a name, or `*.` and a name for all below it, and a port (default 443). */
export const allowedHostSchema = z
  .string()
  .max(260)
  .regex(
    /^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9](:\d{1,5})?$/,
    'not a host name such as packages.example.com or *.example.com:8443',
  );

/** How finished work reaches the repository that it is for. */
const deliveryModes = ['branch', 'patch', 'merge', 'pull-request'] as const;
export const deliverySchema = z
  .strictObject({
    /**
     * `branch`: the task's branch in the repository. `patch`: nothing; the change is had by `ado diff`. `merge`: into the
     * target branch, when it merges cleanly and the gates pass on the merge. `pull-request`: the branch, and a request.
     */
    mode: z.enum(deliveryModes).default('branch'),
    /** Branch that work is merged into, or a pull request is for. Default: the one that HEAD of the repository names. */
    target: refSchema.optional(),
    /**
     * Whether mode `branch` pushes into a repository on another host, too. Default: the branch is kept until `ado publish`.
     * Into a folder it is always pushed, and the modes `merge` and `pull-request` push by themselves.
     */
    publish: z.boolean().optional(),
  })
  .refine(({ mode, publish }) => mode !== 'patch' || publish !== true, {
    path: ['publish'],
    message: 'mode `patch` pushes nothing: leave out `publish`, or take another mode',
  });
export type Delivery = z.infer<typeof deliverySchema>;

/** Values of a repository's own, for `{{name}}` in the prompt and `ADO_VAR_<NAME>` in a command's environment. */
export const variablesSchema = z
  .record(
    z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/, 'a variable name is letters, digits and _'),
    z.string().max(10_000),
  )
  .refine((all) => Object.keys(all).length <= 50, 'at most 50 variables');
export type Variables = z.infer<typeof variablesSchema>;

/** Where an agent runs: in ado's sandbox, or (only when asked for in words) without one. */
export const sandboxSchema = z.enum(['bubblewrap', 'none']);
export type SandboxKind = z.infer<typeof sandboxSchema>;

/** How far people are asked. */
export const policySchema = z.enum(['autonomous', 'review-edits']);
export type Policy = z.infer<typeof policySchema>;

/** What a task may spend when nobody says: 10 US dollars. */
export const defaultMaxCostMicroUsd = 10_000_000;

/** The parts of a request that tasks and batches share: how the work is done. */
export const workSchema = z.strictObject({
  agent: agentKindSchema.default('builtin'),
  /** Command of a `command` agent, run by `sh -c` in the worktree; for `acp` the command that starts the agent. */
  exec: z.string().min(1).max(4_000).optional(),
  /** Model of every agent but `command`: `<provider or account>:<model>`; `scripted:<absolute path>` (builtin) needs no key. */
  model: z.string().min(1).max(500).optional(),
  /**
   * How far people are asked, money apart. `autonomous`: nobody is. `review-edits`: before work is delivered, when it
   * conflicts, and when the agent is stuck or out of rounds.
   */
  policy: policySchema.default('autonomous'),
  gates: z.array(gateSchema).max(20).default([]),
  /**
   * Checks of the repository's own that are looked for beside `gates`; a gate of the same name stands for what was found.
   * What was found is judged on what the task changed; `gates` have to pass. Default: `standard` for agents when no gates
   * are named, else `none`.
   */
  gateProfile: gateProfileSchema.optional(),
  /** Run once by `sh -c` in the sandboxed worktree before the work begins: installs what gates need. It is not committed. */
  setup: z.string().min(1).max(4_000).optional(),
  /** Hosts that programs in the sandbox may reach, by an HTTP proxy. Default none: there is no network. */
  allowHosts: z.array(allowedHostSchema).max(50).default([]),
  delivery: deliverySchema.default({ mode: 'branch' }),
  /** Upper bound on the spending of an attempt. Default 10 US dollars. */
  maxCostMicroUsd: z.int().positive().default(defaultMaxCostMicroUsd),
  /**
   * Spending of a task up to which nobody is asked; above it a person must say yes first. Default: what the server is
   * configured with (1 US dollar). The same as `maxCostMicroUsd` says yes in advance.
   */
  confirmAboveCostMicroUsd: z.int().nonnegative().optional(),
  /** Upper bound on the work time of an attempt, waiting for a slot not counted. Default one hour. */
  timeoutMs: z.int().min(1_000).max(86_400_000).default(3_600_000),
  /** 1 is first, 5 last. */
  priority: z.int().min(1).max(5).default(3),
  labels: z.record(z.string().min(1).max(63), z.string().max(200)).default({}),
  sandbox: sandboxSchema.default('bubblewrap'),
  /** Do the work again although a finished result for the same content is known. */
  fresh: z.boolean().default(false),
});
export type Work = z.infer<typeof workSchema>;

/** The text of a prompt, kept as given. */
export const promptSchema = z
  .string()
  .max(50_000)
  .refine((text) => text.trim() !== '', 'the prompt is empty');
/**
 * A password, or a token as a user name. Addresses are shown, logged and kept in plain, and every program in the sandbox
 * is told that of its repository.
 */
const secretInAddress =
  /^[a-z+]+:\/\/([^/@]*:[^/@]+|(gh[a-z]_|github_pat_|glpat-|gl[a-z]+-)[^/@]*|[^/@]{32,})@/i;

/** Where a repository is: an absolute path, `file://`, or any URL that git understands. */
export const repositorySchema = z
  .string()
  .min(1)
  .max(2_000)
  .refine(
    (text) => !secretInAddress.test(text),
    "holds a password or a token; leave it out, and give it to git's credential helper on the workers",
  );

/** Says what is wrong with a combination of agent, exec and model; used by tasks and batches alike. */
function checkAgent(work: Pick<Work, 'agent' | 'exec' | 'model'>, context: z.RefinementCtx): void {
  const { agent, exec, model } = work;
  const takesExec = agent === 'command' || agent === 'acp';
  const refuse = (path: 'exec' | 'model', message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  if (takesExec && exec === undefined)
    refuse('exec', `agent \`${agent}\` needs \`exec\` (CLI: --exec CMD)`);
  if (!takesExec && exec !== undefined)
    refuse('exec', '`exec` needs agent `command` (CLI: --agent command) or `acp`');
  if (agent !== 'command' && model === undefined)
    refuse('model', `agent \`${agent}\` needs \`model\` (CLI: --model PROVIDER:MODEL)`);
  if (agent !== 'builtin' && model?.startsWith('scripted:') === true)
    refuse('model', 'a scripted model needs agent `builtin`; `ado emulator` answers other agents');
}

/** Says that a folder has no host that a pull request could be made at. */
export function checkDelivery(
  delivery: Delivery,
  repository: string,
  { context, path }: { readonly context: z.RefinementCtx; readonly path: (string | number)[] },
): void {
  if (delivery.mode !== 'pull-request' || isRemote(repository)) return;
  const message = `a pull request needs a repository at GitHub or GitLab, and ${repository} is a folder: name its URL`;
  context.addIssue({ code: 'custom', path, message });
}

/** What a caller sends to have a task run. Unknown fields are refused. */
export const submitTaskSchema = workSchema
  .extend({
    prompt: promptSchema,
    repository: repositorySchema,
    /** Base of the work; default: the commit that HEAD of the repository names. */
    baseRef: refSchema.optional(),
    variables: variablesSchema.default({}),
  })
  .superRefine(checkAgent)
  .superRefine(({ delivery, repository }, context) => {
    checkDelivery(delivery, repository, { context, path: ['repository'] });
  });
export type SubmitTask = z.infer<typeof submitTaskSchema>;
export { checkAgent };

/** Why a task that could go on does not: shown beside its status. */
const waitingSchema = z.object({
  reason: z.enum(waitReasons),
  /** When it goes on by itself, as far as is known. */
  until: instantSchema.optional(),
  /** In a few words: which account, which limit, which question. */
  detail: z.string().optional(),
});

/** How much a task changed. */
export const diffStatSchema = z.object({
  files: z.int().nonnegative(),
  insertions: z.int().nonnegative(),
  deletions: z.int().nonnegative(),
});
export type DiffStat = z.infer<typeof diffStatSchema>;

/** A task as the API shows it. */
export const taskSchema = z.object({
  id: taskIdSchema,
  status: z.enum(taskStatuses),
  waitingFor: waitingSchema.optional(),
  prompt: z.string(),
  repository: z.string(),
  baseRef: z.string().optional(),
  baseCommit: commitIdSchema,
  branch: z.string(),
  agent: agentKindSchema,
  exec: z.string().optional(),
  model: z.string().optional(),
  policy: policySchema,
  gates: z.array(gateSchema),
  gateProfile: gateProfileSchema,
  setup: z.string().optional(),
  allowHosts: z.array(z.string()),
  delivery: deliverySchema,
  variables: variablesSchema,
  labels: z.record(z.string(), z.string()),
  priority: z.int(),
  sandbox: sandboxSchema,
  timeoutMs: z.int(),
  maxCostMicroUsd: microUsdSchema,
  /** Spending up to here needs nobody's word. */
  confirmedCostMicroUsd: microUsdSchema,
  batchId: batchIdSchema.optional(),
  /** Position in its batch, from 0. */
  itemIndex: z.int().nonnegative().optional(),
  /** 1 for the first attempt; each retry adds one. */
  attempt: z.int().positive(),
  outcome: z.enum(outcomes).optional(),
  failureClass: z.enum(failureClasses).optional(),
  /** A word for why (`cached`, `tests`, `no_result`, …). */
  reason: z.string().optional(),
  errorCode: errorCodeSchema.optional(),
  error: z.string().optional(),
  /** The agent's last words, shortened. */
  summary: z.string().optional(),
  /** Head of the task's branch, when something was committed. */
  commit: commitIdSchema.optional(),
  changed: z.boolean().optional(),
  diffStat: diffStatSchema.optional(),
  /**
   * Whether the repository has `commit`: on the task's branch, or merged into the target. Absent when nothing was
   * committed, and of a cached result: its source tells.
   */
  published: z.boolean().optional(),
  /** The pull request (or merge request) of its branch. */
  pullRequestUrl: z.string().optional(),
  /** The task whose finished result stands for this one (`cached`). */
  sourceTaskId: taskIdSchema.optional(),
  costMicroUsd: microUsdSchema,
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  /** Steps finished in this attempt. */
  steps: z.int().nonnegative(),
  /** One line: what it does right now. */
  activity: z.string().optional(),
  cancelRequested: z.boolean(),
  createdAt: instantSchema,
  startedAt: instantSchema.optional(),
  endedAt: instantSchema.optional(),
});
export type Task = z.infer<typeof taskSchema>;
