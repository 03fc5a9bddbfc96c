/** The gates of a task: commands that must pass before its work is delivered. */
import { createHash } from 'node:crypto';
import type { StepEntry, Workspace } from '../adapters/ports.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import type { Finding } from '../contracts/step.schema.ts';
import type { Gate } from '../contracts/task.schema.ts';
import { commandEnvironment } from './command-environment.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { recordOutput } from './output-recorder.ts';
import { remainingMs, timedOut } from './remaining-time.ts';
import type { TaskSession } from './task-session.ts';
import { tellingLine } from './telling-line.ts';

/** What the first gate that failed said. */
export interface GateFailure {
  readonly gate: string;
  readonly message: string;
  readonly findings: readonly Finding[];
  /** Equal for equal failures: numbers, times and blank space do not count. */
  readonly fingerprint: string;
  readonly output: string;
  /** Command that mends such failures by itself, where one is known. */
  readonly fix?: string | undefined;
}

/**
 * Runs the gates in order up to the first that fails; each is recorded as it ends. Answers that failure, if any.
 * @throws TASK_TIMEOUT when a gate uses up the task's time
 */
export async function runGates(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
  step: number,
): Promise<GateFailure | undefined> {
  for (const gate of session.task.gates) {
    const failure = await runGate(deps, session, workspace, { gate, step });
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function runGate(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
  { gate, step }: { readonly gate: Gate; readonly step: number },
): Promise<GateFailure | undefined> {
  const { task } = session;
  const started = deps.clock.now();
  const output = recordOutput(step, (entry) => session.record(entry), {
    activity: `gate ${gate.name}`,
    event: { type: 'step-started', data: { step, kind: 'gate', summary: gate.name } },
  });
  const ran = await deps.workspaces.run(workspace, {
    argv: ['sh', '-c', gate.command],
    env: commandEnvironment(task),
    sandbox: task.sandbox,
    timeoutMs: remainingMs(session, deps.clock),
    signal: session.signal,
    onOutput: (_source, text) => {
      output.write('gate', text);
    },
  });
  session.signal.throwIfAborted();
  const ok = ran.exitCode === 0;
  const text = `${ran.stdout}${ran.stderr}`.trim();
  const findings = ok ? [] : findingsOf(gate.name, text);
  const entry: StepEntry = {
    step,
    kind: 'gate',
    // The verdict is about a commit: after a fix the gate runs again in the same step.
    effectId: effectIdOf(task.ref, step, 'gate', `${gate.name} ${workspace.headCommit}`),
    status: ok ? 'succeeded' : 'failed',
    summary: ok ? gate.name : `${gate.name}: ${tellingLine(text)}`,
    findings,
    startedAt: new Date(started),
    endedAt: new Date(deps.clock.now()),
    ...(ran.exitCode === undefined ? {} : { exitCode: ran.exitCode }),
  };
  const finished: NewEvent = {
    type: 'step-finished',
    data: { step, kind: 'gate', summary: entry.summary, ok, durationMs: ran.durationMs },
  };
  await session.record({ steps: [entry], events: [...(await output.rest()), finished] });
  deps.metrics.stepFinished('gate', ok, ran.durationMs);
  if (ok) return undefined;
  if (ran.timedOut) throw timedOut(task);
  return {
    gate: gate.name,
    message: `gate ${gate.name} failed (exit code ${String(ran.exitCode ?? 'none')}): ${tellingLine(text)}`,
    findings,
    fingerprint: fingerprintOf(gate.name, text),
    output: text.slice(-8_192),
    fix: gate.fix,
  };
}

/** Reads `file:line: message` lines, the form that compilers, linters and test runners share; at most 20. */
export function findingsOf(tool: string, text: string): Finding[] {
  const findings: Finding[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*([^\s:()]+\.[A-Za-z0-9]+)[:(](\d+)(?:[:,]\d+)?\)?:?\s*(.+)$/.exec(line);
    if (match?.[1] === undefined || match[3] === undefined) continue;
    findings.push({
      tool,
      file: match[1],
      line: Number(match[2]),
      message: match[3].slice(0, 500),
    });
    if (findings.length === 20) break;
  }
  return findings;
}

/** Hashes a failure without what differs from run to run. */
export function fingerprintOf(gate: string, text: string): string {
  const plain = text
    .replace(/0x[0-9a-f]+|\d+/gi, '#')
    .replace(/\s+/g, ' ')
    .trim();
  return createHash('sha256').update(`${gate}\n${plain}`).digest('hex').slice(0, 16);
}
