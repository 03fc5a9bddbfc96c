/** The pull request of a task's branch: what it says, and that there is one. */
import type { TaskRecord, WorkFacts } from '../adapters/ports.ts';
import { AppError, codeOf } from '../contracts/errors.ts';
import { formatMicroUsd } from '../contracts/money.ts';
import type { DiffStat } from '../contracts/task.schema.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

/** Longest title that hosts show whole. */
const maxTitleChars = 72;
/** Of the agent's own words. */
const maxSummaryChars = 4_000;

/** The parts of a task that its pull request tells of. */
export interface RequestedWork {
  readonly task: Pick<TaskRecord, 'ref' | 'prompt' | 'repository' | 'branch' | 'delivery'>;
  /** The agent's last words; default: those on record. */
  readonly summary?: string;
  readonly diffStat: DiffStat;
}

/**
 * Makes the pull request, or finds the one that the branch has. Repeated it finds it.
 * @throws PUBLISH_FAILED · FORGE_UNAVAILABLE
 */
export async function openPullRequest(
  deps: Pick<ActivityDeps, 'forges' | 'journal' | 'crashpoint'>,
  work: RequestedWork,
  signal?: AbortSignal,
): Promise<string> {
  const { task } = work;
  const { url } = await deps.forges.openPullRequest({
    repository: task.repository,
    branch: task.branch,
    target: task.delivery.target,
    title: titleOf(task.prompt),
    body: bodyOf(work, await deps.journal.readFacts(task.ref)),
    signal,
  });
  await deps.crashpoint('deliver.afterPullRequest.beforeRecord');
  return url;
}

/** Tells of a wait that the host of the repository asked for; the time is not the work's. */
export async function tellForgeWait(
  deps: Pick<ActivityDeps, 'clock'>,
  session: TaskSession,
  error: unknown,
): Promise<void> {
  if (codeOf(error) !== 'FORGE_UNAVAILABLE' || !(error instanceof AppError)) return;
  const until = new Date(deps.clock.now() + (error.retryAfterMs ?? 1_000));
  await session.record({ waitingFor: { reason: 'provider', until, detail: error.message } });
}

/** First line of the prompt, shortened. */
export function titleOf(prompt: string): string {
  const line = prompt.trim().split('\n', 1)[0] ?? '';
  return line.length <= maxTitleChars ? line : `${line.slice(0, maxTitleChars - 1).trimEnd()}…`;
}

/** What was done, what was checked, what it cost, and where it comes from. */
export function bodyOf({ task, diffStat, ...work }: RequestedWork, facts: WorkFacts): string {
  const summary = work.summary ?? facts.summary ?? '';
  const { files, insertions, deletions } = diffStat;
  // A verdict with more to say than its name says it.
  const gates = facts.passedGates.map(
    (gate) => `- ${gate}${/^[a-z0-9-]+$/.test(gate) ? ': passed' : ''}`,
  );
  return [
    harmless(summary.slice(0, maxSummaryChars)),
    '',
    ...(gates.length === 0 ? ['No gate was set.'] : ['Gates:', ...gates.map(harmless)]),
    '',
    '| changed | cost | task |',
    '|---|---|---|',
    `| ${String(files)} files, +${String(insertions)} −${String(deletions)} | ${formatMicroUsd(facts.costMicroUsd)} | \`${task.ref.taskId}\` |`,
    '',
  ].join('\n');
}

/** An agent's words must not call people, nor close issues, nor hide text from who reviews them. */
function harmless(text: string): string {
  return text
    .replaceAll('<', '&lt;')
    .replace(/@(?=\w)/g, '@\u200b')
    .replace(/#(?=\d)/g, '#\u200b')
    .replace(/\b(close|fixe?|resolve)([sd]?:?\s+)(?=https?:)/gi, '$1\u200b$2');
}
