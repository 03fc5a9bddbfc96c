/** Running one check in the sandbox, and reading what it wrote. */
import type { Workspace } from '../adapters/ports.ts';
import { commandEnvironment } from './command-environment.ts';
import type { ActivityDeps } from './deps.ts';
import type { GateRun } from './judge-gate.ts';
import type { PlannedGate } from './plan-gates.ts';
import { remainingMs } from './remaining-time.ts';
import type { TaskSession } from './task-session.ts';

/** Kept of the beginning of each stream, for comparing all findings with those of the base; of the rest, the end. */
const keptChars = 262_144;

/** What every check of a piece of work is run with. */
export interface GateWorld {
  readonly deps: ActivityDeps;
  readonly session: TaskSession;
  readonly step: number;
  /** The files of the tree; asked for once, when an output has to be read. */
  readonly paths: () => Promise<readonly string[]>;
}

/** Runs a check in a worktree. A check that hangs is ended at its limit. @throws TASK_TIMEOUT when the task's time is over */
export async function runOnce(
  { deps, session, paths }: GateWorld,
  workspace: Workspace,
  { gate, onText }: { readonly gate: PlannedGate; readonly onText?: (text: string) => void },
): Promise<GateRun> {
  const { task, signal } = session;
  const kept = { stdout: '', stderr: '' };
  const ran = await deps.workspaces.run(workspace, {
    argv: ['sh', '-c', gate.command],
    // Test runners that would watch files end by `CI`; the work tree must not fill with what running a check leaves.
    env: { ...commandEnvironment(task), CI: 'true', PYTHONDONTWRITEBYTECODE: '1' },
    sandbox: task.sandbox,
    timeoutMs: Math.min(gate.timeoutMs, remainingMs(session, deps.clock)),
    signal,
    ...(task.allowHosts.length === 0 ? {} : { allowHosts: task.allowHosts }),
    onOutput: (source, text) => {
      onText?.(text);
      // One character more than is kept tells that there was more.
      if (kept[source].length <= keptChars)
        kept[source] += text.slice(0, keptChars + 1 - kept[source].length);
    },
  });
  signal.throwIfAborted();
  if (ran.timedOut) remainingMs(session, deps.clock);
  const { exitCode, timedOut, durationMs } = ran;
  const text = [joined(kept.stdout, ran.stdout), joined(kept.stderr, ran.stderr)]
    .join('')
    .trim()
    .replaceAll(`${workspace.path}/`, '')
    .replaceAll(workspace.path, '.');
  const isRead = gate.isFound || exitCode !== 0;
  const findings =
    isRead && text !== ''
      ? deps.gates.readFindings({ gate: gate.name, text, paths: await paths() })
      : [];
  const coverage = gate.kind === 'coverage' ? deps.gates.readCoverage(text) : {};
  return { exitCode, timedOut, durationMs, text, findings, coverage };
}

function joined(beginning: string, tail: string): string {
  return beginning.length <= keptChars ? beginning : `${beginning.slice(0, keptChars)}\n…\n${tail}`;
}
