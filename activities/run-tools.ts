/** The tool calls of one turn. */
import type { LanguageModelV4ToolCallPart } from '@ai-sdk/provider';
import type { CommitResult, KeyedMessage, Workspace } from '../adapters/ports.ts';
import { commandEnvironment } from './command-environment.ts';
import { commitMessage } from './commit-message.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { recordOutput } from './output-recorder.ts';
import { remainingMs } from './remaining-time.ts';
import type { TaskSession } from './task-session.ts';

/** Tools that leave the work tree as it is. */
const readOnlyTools: readonly string[] = ['list_files', 'read_file', 'search'];

/** The calls of one answer. */
export interface ToolCalls {
  readonly workspace: Workspace;
  readonly step: number;
  readonly calls: readonly LanguageModelV4ToolCallPart[];
  /** What was on record when the turn began. */
  readonly transcript: readonly KeyedMessage[];
}

/**
 * Runs the calls in the model's order. Each is recorded as it ends, together with the commit of what it changed; repeated,
 * it goes on after the last one on record, in a fresh worktree at that commit.
 */
export async function runTools(
  deps: ActivityDeps,
  session: TaskSession,
  { workspace, step, calls, transcript }: ToolCalls,
): Promise<void> {
  let current = workspace;
  for (const call of calls) {
    const key = `step-${String(step)}-${call.toolCallId}`;
    if (transcript.some((known) => known.key === key)) continue;
    const committed = await runTool(deps, session, current, { call, key, step });
    if (committed?.committed === true) current = { ...current, headCommit: committed.commit };
  }
}

interface ToolStep {
  readonly call: LanguageModelV4ToolCallPart;
  readonly key: string;
  readonly step: number;
}

async function runTool(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
  { call, key, step }: ToolStep,
): Promise<CommitResult | undefined> {
  const { task } = session;
  const effectId = effectIdOf(task.ref, step, 'tools', call.toolCallId);
  const startedAt = new Date(deps.clock.now());
  const summary = summaryOf(call);
  const output = recordOutput(step, (entry) => session.record(entry), {
    activity: summary,
    event: { type: 'step-started', data: { step, kind: 'tools', summary } },
  });
  const answer = await deps.tools.execute(call, {
    run: (run) =>
      deps.workspaces.run(workspace, {
        ...run,
        env: commandEnvironment(task),
        sandbox: task.sandbox,
        allowHosts: task.allowHosts,
        timeoutMs: Math.min(run.timeoutMs ?? Infinity, remainingMs(session, deps.clock)),
        signal: session.signal,
        ...(run.onOutput === undefined
          ? {}
          : {
              onOutput: (_source, text) => {
                output.write('tool', text);
              },
            }),
      }),
  });
  session.signal.throwIfAborted();
  await deps.crashpoint('tool.afterExit.beforeSnapshot');
  const committed = readOnlyTools.includes(call.toolName)
    ? undefined
    : await deps.workspaces.commit(workspace, {
        message: commitMessage(task),
        date: task.createdAt,
        effectId,
        branch: task.branch,
        baseCommit: task.baseCommit,
      });
  const made = committed?.committed === true ? committed : undefined;
  const endedAt = new Date(deps.clock.now());
  const durationMs = endedAt.getTime() - startedAt.getTime();
  await session.record({
    messages: [
      {
        key,
        message: {
          role: 'tool',
          content: [
            {
              type: 'tool-result',
              toolCallId: call.toolCallId,
              toolName: call.toolName,
              output: { type: answer.isError ? 'error-text' : 'text', value: answer.text },
            },
          ],
        },
      },
    ],
    steps: [
      {
        step,
        kind: 'tools',
        effectId,
        status: answer.isError ? 'failed' : 'succeeded',
        summary,
        startedAt,
        endedAt,
        ...(made === undefined ? {} : { commit: made.commit, diffStat: made.diffStat }),
      },
    ],
    events: [
      ...(await output.rest()),
      {
        type: 'step-finished',
        data: { step, kind: 'tools', summary, ok: !answer.isError, durationMs },
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
  deps.metrics.stepFinished('tools', !answer.isError, durationMs);
  return committed;
}

/** `edit_file src/index.js`: the tool, and the first word of its input that tells something. */
function summaryOf(call: LanguageModelV4ToolCallPart): string {
  const input = call.input as Readonly<Record<string, unknown>> | null;
  const subject = [input?.['path'], input?.['command'], input?.['pattern']].find(
    (value) => typeof value === 'string',
  );
  return `${call.toolName} ${subject ?? ''}`.trim().slice(0, 200);
}
