/**
 * A `command` task from beginning to end, in one activity: workspace, slot, command, commit, gates, delivery, result.
 *
 * Run twice it goes on where it was: a command that is on record is not run again, a commit is the same commit, a push
 * finds its branch, a recorded result is answered. What ran and was not recorded runs again, in a fresh worktree at the
 * last commit.
 */
import type {
  CommitResult,
  JournalEntry,
  SandboxResult,
  StepEntry,
  Workspace,
} from '../adapters/ports.ts';
import type { AgentActivities, AskingHold, TaskResult } from '../contracts/activities.ts';
import { AppError } from '../contracts/errors.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import { commandEnvironment } from './command-environment.ts';
import { commitMessage } from './commit-message.ts';
import type { Work } from './deliver-work.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { beginWork, openWorkspace } from './open-workspace.ts';
import { recordOutput } from './output-recorder.ts';
import { isChecked } from './plan-gates.ts';
import { remainingMs, timedOut } from './remaining-time.ts';
import { deliverReviewed } from './review-work.ts';
import { runGatesWithFixes } from './run-fixes.ts';
import { inTask, type TaskSession } from './task-session.ts';
import { lastLine, tellingLine } from './telling-line.ts';
import { workspaceKey } from './workspace-key.ts';

const commandStep = 1;
const gateStep = 2;
const deliverStep = 3;

/** Makes the activity `performCommandTask`. */
export function createPerformCommandTask(
  deps: ActivityDeps,
): AgentActivities['performCommandTask'] {
  return (ref) =>
    inTask(deps, ref, {
      ended: (result) => result,
      work: (session) => perform(deps, session),
    });
}

async function perform(deps: ActivityDeps, session: TaskSession): Promise<TaskResult | AskingHold> {
  const workspace = (await beginWork(deps, session)) ?? (await openWorkspace(deps, session));
  const done = await runCommand(deps, session, workspace);
  const { failure, work } = await runGatesWithFixes(deps, session, {
    workspace,
    step: gateStep,
    work: done.work,
  });
  if (failure !== undefined) throw new AppError('GATE_FAILED', failure.message);
  const end = await deliverReviewed(deps, session, deliverStep, { ...done, work });
  if (end.verdict === 'asks') {
    const { hostQueue } = deps;
    return { next: 'hold', hostQueue, hold: { kind: 'ask', question: end.question } };
  }

  // Clean-up is no part of the result: a leftover is swept a day later.
  await deps.workspaces.discard(workspaceKey(session.task.ref)).catch(() => undefined);
  return end.result;
}

async function runCommand(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
): Promise<{ work: Work; summary: string; unrecorded?: JournalEntry }> {
  const { task } = session;
  const effectId = effectIdOf(task.ref, commandStep, 'command', task.exec);
  const done =
    task.startedAt === undefined ? undefined : await deps.journal.findStep(task.ref, effectId);
  if (done !== undefined) {
    return {
      work: { commit: task.headCommit, diffStat: task.diffStat },
      summary: done.summary,
    };
  }

  const startedAt = new Date(deps.clock.now());
  const command = task.exec ?? '';
  const output = recordOutput(commandStep, (entry) => session.record(entry));
  const ran = await deps.workspaces.run(workspace, {
    argv: ['sh', '-c', command],
    env: commandEnvironment(task),
    readable: (await deps.workspaces.describeCommand(command)).files,
    sandbox: task.sandbox,
    allowHosts: task.allowHosts,
    timeoutMs: remainingMs(session, deps.clock),
    signal: session.signal,
    onOutput: (source, text) => {
      output.write(source, text);
    },
  });
  session.signal.throwIfAborted();
  await deps.crashpoint('tool.afterExit.beforeSnapshot');

  const ok = ran.exitCode === 0;
  const end: CommandEnd = {
    ran,
    startedAt,
    effectId,
    committed: ok ? await commit(deps, session, { workspace, effectId }) : undefined,
    summary: ok ? lastLine(ran.stdout) : failureText(ran),
  };
  deps.metrics.stepFinished('command', ok, ran.durationMs);
  const entry = entryOf(deps, session, { end, output: await output.rest() });
  if (end.committed?.committed === false && !isChecked(task)) {
    // Nothing was made that a push could make public: the step goes on record together with the end.
    return { work: end.committed, summary: end.summary, unrecorded: entry };
  }
  await session.record(entry);
  if (ran.timedOut) throw timedOut(task);
  if (end.committed === undefined) throw new AppError('COMMAND_FAILED', end.summary);
  return { work: end.committed, summary: end.summary };
}

/** How the command ended. */
interface CommandEnd {
  readonly ran: SandboxResult;
  readonly startedAt: Date;
  readonly effectId: string;
  /** Of a command that went well; it may have changed nothing. */
  readonly committed: CommitResult | undefined;
  readonly summary: string;
}

function entryOf(
  deps: ActivityDeps,
  session: TaskSession,
  { end, output }: { readonly end: CommandEnd; readonly output: readonly NewEvent[] },
): JournalEntry {
  const { ran, committed, summary } = end;
  const ok = committed !== undefined;
  const made = committed?.committed === true ? committed : undefined;
  const events: NewEvent[] = [
    ...output,
    {
      type: 'step-finished',
      data: { step: commandStep, kind: 'command', summary, ok, durationMs: ran.durationMs },
    },
  ];
  const step: StepEntry = {
    step: commandStep,
    kind: 'command',
    // A command that failed may run again: only one that went well is looked for by its identity.
    effectId: ok ? end.effectId : `${end.effectId}:${String(session.fence.number)}`,
    status: ok ? 'succeeded' : 'failed',
    summary,
    startedAt: end.startedAt,
    endedAt: new Date(deps.clock.now()),
    ...(ran.exitCode === undefined ? {} : { exitCode: ran.exitCode }),
  };
  if (made === undefined) return { steps: [step], events };
  const { commit: id, diffStat } = made;
  return {
    steps: [{ ...step, commit: id, diffStat }],
    events: [
      ...events,
      { type: 'commit-created', data: { step: commandStep, commit: id, diffStat } },
    ],
    diff: made,
  };
}

function commit(
  deps: ActivityDeps,
  session: TaskSession,
  { workspace, effectId }: { readonly workspace: Workspace; readonly effectId: string },
): Promise<CommitResult> {
  const { task } = session;
  return deps.workspaces.commit(workspace, {
    message: commitMessage(task),
    date: task.createdAt,
    effectId,
    branch: task.branch,
    baseCommit: task.baseCommit,
  });
}

function failureText(ran: SandboxResult): string {
  const said = tellingLine(ran.stderr.trim() === '' ? ran.stdout : ran.stderr);
  return ran.exitCode === undefined
    ? `the command was killed: ${said}`
    : `exit code ${String(ran.exitCode)}: ${said}`;
}
