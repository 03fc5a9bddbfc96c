/**
 * The set-up of a task: a command that installs what its checks need, run once in every fresh worktree before the work. What
 * it leaves is not part of the work, so it may leave only what git ignores.
 */
import type { StepEntry, Workspace } from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import { commandEnvironment } from './command-environment.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { recordOutput } from './output-recorder.ts';
import { remainingMs, timedOut } from './remaining-time.ts';
import type { TaskSession } from './task-session.ts';
import { tellingLine } from './telling-line.ts';

/** Steps of the work count from 1. */
const setupStep = 0;
const statusTimeoutMs = 120_000;
/** Files that an error names. */
const namedFiles = 5;

/** Runs the set-up of a task, where it has one. On record once, however often it runs. @throws SETUP_FAILED · TASK_TIMEOUT */
export async function runSetup(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
): Promise<void> {
  const { task, signal } = session;
  if (task.setup === undefined) return;
  const startedAt = new Date(deps.clock.now());
  const summary = task.setup.slice(0, 200);
  const output = recordOutput(setupStep, (entry) => session.record(entry), {
    activity: 'set-up',
    event: { type: 'step-started', data: { step: setupStep, kind: 'setup', summary } },
  });
  const ran = await deps.workspaces.run(workspace, {
    argv: ['sh', '-c', task.setup],
    env: commandEnvironment(task),
    sandbox: task.sandbox,
    timeoutMs: remainingMs(session, deps.clock),
    signal,
    ...(task.allowHosts.length === 0 ? {} : { allowHosts: task.allowHosts }),
    onOutput: (source, text) => {
      output.write(source, text);
    },
  });
  signal.throwIfAborted();
  const wrong =
    ran.exitCode === 0
      ? await leftovers(deps, session, workspace)
      : tellingLine(`${ran.stdout}${ran.stderr}`);
  const ok = wrong === undefined;
  const effectId = effectIdOf(task.ref, setupStep, 'setup', task.setup);
  const entry: StepEntry = {
    step: setupStep,
    kind: 'setup',
    effectId: ok ? effectId : `${effectId}:${String(session.fence.number)}`,
    status: ok ? 'succeeded' : 'failed',
    summary: ok ? summary : `${summary}: ${wrong}`,
    startedAt,
    endedAt: new Date(deps.clock.now()),
    ...(ran.exitCode === undefined ? {} : { exitCode: ran.exitCode }),
  };
  const data = {
    ...{ step: setupStep, kind: 'setup' as const, summary: entry.summary },
    ...{ ok, durationMs: ran.durationMs },
  };
  await session.record({
    steps: [entry],
    events: [...(await output.rest()), { type: 'step-finished', data }],
  });
  deps.metrics.stepFinished('setup', ok, ran.durationMs);
  if (ran.timedOut) throw timedOut(task);
  if (wrong !== undefined) throw new AppError('SETUP_FAILED', `the set-up failed: ${wrong}`);
}

/** Names what the set-up changed and git does not ignore; git looks at it inside the sandbox. */
async function leftovers(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
): Promise<string | undefined> {
  const looked = await deps.workspaces.run(workspace, {
    argv: ['git', 'status', '--porcelain', '-z', '--no-renames'],
    env: { GIT_OPTIONAL_LOCKS: '0' },
    sandbox: session.task.sandbox,
    timeoutMs: Math.min(statusTimeoutMs, remainingMs(session, deps.clock)),
    signal: session.signal,
  });
  session.signal.throwIfAborted();
  if (looked.exitCode !== 0)
    return `git cannot look at the work tree: ${tellingLine(looked.stderr)}`;
  const files = looked.stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => line.slice(3));
  if (files.length === 0) return undefined;
  const more = files.length > namedFiles ? ` and ${String(files.length - namedFiles)} more` : '';
  return `it left files that git does not ignore: ${files.slice(0, namedFiles).join(', ')}${more}`;
}
