/** The gates, and before anybody is told of a failure the command that mends its kind by itself: a formatter, `--fix`. */
import type { StepEntry, Workspace } from '../adapters/ports.ts';
import { commandEnvironment } from './command-environment.ts';
import { commitMessage } from './commit-message.ts';
import type { Work } from './deliver-work.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { recordOutput } from './output-recorder.ts';
import { remainingMs } from './remaining-time.ts';
import { wasReviewed } from './review-work.ts';
import { runGates, type GateFailure } from './run-gates.ts';
import { renewContext, shareContext } from './share-context.ts';
import type { TaskSession } from './task-session.ts';

/** A fixer reads and writes files; one that takes longer than a linter may hangs. */
const fixTimeoutMs = 300_000;

/** Work that is to be looked at. */
export interface UncheckedWork {
  readonly workspace: Workspace;
  readonly step: number;
  readonly work: Work;
}

/** Work that the gates have looked at. */
export interface CheckedWork {
  /** Undefined when all gates pass. */
  readonly failure: GateFailure | undefined;
  /** The work with what fixers have changed. */
  readonly work: Work;
  /** Commands that have changed something. */
  readonly fixes: readonly string[];
}

/**
 * Runs the gates; work that a person was asked about has passed them. One that fails and has a fixer gets it once: what it
 * changes becomes a commit, and the gates run again. Repeated, it finds that commit, or makes the same one.
 * @throws TASK_TIMEOUT · COMMIT_REFUSED
 */
export async function runGatesWithFixes(
  deps: ActivityDeps,
  session: TaskSession,
  { workspace, step, work }: UncheckedWork,
): Promise<CheckedWork> {
  if (await wasReviewed(deps, session, work.commit)) return { failure: undefined, work, fixes: [] };
  const tried = new Set<string>();
  const fixes: string[] = [];
  // The step before may have committed since the workspace was opened.
  let current = { workspace: { ...workspace, headCommit: work.commit }, work };
  for (;;) {
    const failure = await runGates(deps, session, current.workspace, step);
    if (failure === undefined) return { failure, work: current.work, fixes };
    // Reports of tests and their like: whoever commits next would commit them.
    await deps.workspaces.restore(current.workspace);
    const { gate, fix } = failure;
    if (fix === undefined || tried.has(fix)) return { failure, work: current.work, fixes };
    tried.add(fix);
    const fixed = await runFix(deps, session, current.workspace, { gate, fix, step });
    if (fixed === undefined) {
      // One that was killed has left half a change.
      await deps.workspaces.restore(current.workspace);
      return { failure, work: current.work, fixes };
    }
    fixes.push(fix);
    current = { workspace: { ...workspace, headCommit: fixed.commit }, work: fixed };
  }
}

/** Answers the commit of what the fixer changed; undefined when that is nothing. */
async function runFix(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
  { gate, fix, step }: { readonly gate: string; readonly fix: string; readonly step: number },
): Promise<Work | undefined> {
  const { task } = session;
  const startedAt = new Date(deps.clock.now());
  const effectId = effectIdOf(task.ref, step, 'fix', fix);
  const summary = `${gate}: ${fix}`.slice(0, 200);
  const output = recordOutput(step, (entry) => session.record(entry), {
    activity: `fix ${gate}`,
    event: { type: 'step-started', data: { step, kind: 'fix', summary } },
  });
  const before = await shareContext(deps, session, workspace);
  const ran = await deps.workspaces.run(workspace, {
    argv: ['sh', '-c', fix],
    env: { ...commandEnvironment(task), CI: 'true' },
    ...(task.allowHosts.length === 0 ? {} : { allowHosts: task.allowHosts }),
    sandbox: task.sandbox,
    timeoutMs: Math.min(fixTimeoutMs, remainingMs(session, deps.clock)),
    signal: session.signal,
    onOutput: (_source, text) => {
      output.write('gate', text);
    },
  });
  session.signal.throwIfAborted();
  await deps.crashpoint('tool.afterExit.beforeSnapshot');
  // Linters exit badly when they could not mend everything; what a killed one left is half a change.
  const committed =
    ran.exitCode === undefined
      ? undefined
      : await deps.workspaces.commit(workspace, {
          message: commitMessage(task),
          date: task.createdAt,
          effectId,
          branch: task.branch,
          baseCommit: task.baseCommit,
          ...(await renewContext(deps, session, { workspace, before })),
        });
  const made = committed?.committed === true ? committed : undefined;
  const ok = made !== undefined;
  const entry: StepEntry = {
    step,
    kind: 'fix',
    effectId,
    status: ok ? 'succeeded' : 'failed',
    summary: ok ? summary : `${summary} (changed nothing)`,
    startedAt,
    endedAt: new Date(deps.clock.now()),
    ...(ran.exitCode === undefined ? {} : { exitCode: ran.exitCode }),
    ...(made === undefined ? {} : { commit: made.commit, diffStat: made.diffStat }),
  };
  await session.record({
    steps: [entry],
    events: [
      ...(await output.rest()),
      {
        type: 'step-finished',
        data: { step, kind: 'fix', summary: entry.summary, ok, durationMs: ran.durationMs },
      },
      ...(made === undefined
        ? []
        : [
            {
              type: 'commit-created' as const,
              data: { step, commit: made.commit, diffStat: made.diffStat },
            },
          ]),
    ],
    ...(made === undefined ? {} : { diff: made }),
  });
  deps.metrics.stepFinished('fix', ok, ran.durationMs);
  return made;
}
