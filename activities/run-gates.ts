/**
 * The gates of a task: checks that must pass before its work is delivered. Those that the request names have to pass;
 * those that were found in the repository count only for what the base commit did not have.
 */
import type { StepEntry, Workspace } from '../adapters/ports.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import type { Finding } from '../contracts/step.schema.ts';
import { countOf, openBaseGates, type BaseGates } from './base-gates.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { runOnce, type GateWorld } from './gate-run.ts';
import { fingerprintOf, isPlace, newFindings, problemsOf, type GateRun } from './judge-gate.ts';
import { recordOutput } from './output-recorder.ts';
import { planGates, toleranceOf, type PlannedGate } from './plan-gates.ts';
import { scoreOf, type GateVerdict } from './score-gates.ts';
import type { TaskSession } from './task-session.ts';
import { tellingLine } from './telling-line.ts';

/** Findings that are told of one failure. */
const maxTold = 20;
/** What is told of an output; all of it is in the events. */
const maxToldChars = 8_192;
/** What is kept of an output that is recorded at its end. */
const maxLateChars = 65_536;

/** What the first gates that failed said. */
export interface GateFailure {
  readonly gate: string;
  readonly message: string;
  /** Of a check that was found in the repository only what the base commit did not have. */
  readonly findings: readonly Finding[];
  /** Equal for equal failures: numbers, times and blank space do not count. */
  readonly fingerprint: string;
  readonly output: string;
  /** Command that mends such failures by itself, where one is known. */
  readonly fix?: string | undefined;
}

/**
 * Runs the gates stage by stage, up to the first with a failure; each is recorded as it ends. Answers that failure, if any.
 * @throws TASK_TIMEOUT when the task's time is over
 */
export async function runGates(
  deps: ActivityDeps,
  session: TaskSession,
  workspace: Workspace,
  step: number,
): Promise<GateFailure | undefined> {
  let listed: Promise<readonly string[]> | undefined;
  const list = async (): Promise<readonly string[]> =>
    (await deps.workspaces.readCommitted(workspace, { wanted: [] })).paths;
  const world: GateWorld = { deps, session, step, paths: () => (listed ??= list()) };
  const plan = await planGates(deps, session, workspace);
  const base = openBaseGates(world);
  const verdicts: GateVerdict[] = [];
  try {
    for (const stage of plan.stages) {
      const isAlone = stage.length === 1;
      if (!isAlone)
        await session.record({ activity: `gates ${stage.map(({ name }) => name).join(', ')}` });
      const settled = await Promise.allSettled(
        stage.map((gate) => runGate(world, { gate, workspace, base, isAlone })),
      );
      const broken = settled.find((one) => one.status === 'rejected');
      if (broken !== undefined) throw broken.reason;
      const ended = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const failures = ended.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
      if (failures.length > 0) return joinFailures(failures);
      verdicts.push(...ended);
    }
    if (session.task.gateProfile !== 'none')
      await recordScore(world, workspace, { verdicts, plan });
    return undefined;
  } finally {
    await base.close();
  }
}

/** One gate in its worktree. */
interface GateCall {
  readonly gate: PlannedGate;
  readonly workspace: Workspace;
  readonly base: BaseGates;
  /** Nothing else writes events of this step meanwhile: its output is recorded as it comes. */
  readonly isAlone: boolean;
}

async function runGate(
  world: GateWorld,
  { gate, workspace, base, isAlone }: GateCall,
): Promise<GateVerdict & { readonly failure?: GateFailure }> {
  const { deps, session, step } = world;
  const startedAt = new Date(deps.clock.now());
  const output = (isAlone ? recordLive : recordLate)(world, gate);
  const run = await runOnce(world, workspace, { gate, onText: output.write });
  const judged = await judge(world, { gate, run, base });
  const { counting, note } = judged;
  const ok = counting.length === 0;
  const message = ok ? '' : messageOf(gate, run, judged);
  const summary = ok
    ? `${gate.name}${note === undefined ? '' : `: ${note}`}`
    : `${gate.name}: ${toldOf(run, counting)}`;
  const told = counting.filter(isPlace).slice(0, maxTold);
  const entry: StepEntry = {
    step,
    kind: 'gate',
    gate: gate.name,
    // The verdict is about a commit: after a fix the gate runs again in the same step.
    effectId: effectIdOf(session.task.ref, step, 'gate', `${gate.name} ${workspace.headCommit}`),
    status: ok ? 'succeeded' : 'failed',
    summary,
    findings: told,
    startedAt,
    endedAt: new Date(deps.clock.now()),
    ...(run.exitCode === undefined ? {} : { exitCode: run.exitCode }),
  };
  const { durationMs } = run;
  const finished: NewEvent = {
    type: 'step-finished',
    data: { step, kind: 'gate', summary, ok, durationMs },
  };
  await session.record({ steps: [entry], events: [...(await output.rest()), finished] });
  deps.metrics.stepFinished('gate', ok, durationMs);
  const verdict: GateVerdict = {
    gate,
    state: ok ? (note === undefined ? 'passed' : 'old') : 'failed',
  };
  if (ok) return verdict;
  const failure: GateFailure = {
    gate: gate.name,
    message,
    findings: told,
    fingerprint: fingerprintOf(gate.name, run.text),
    output: run.text.slice(-maxToldChars),
    fix: gate.fix,
  };
  return { ...verdict, failure };
}

/** What of a run counts against the work. */
interface Judgement {
  readonly counting: readonly Finding[];
  /** Findings that the base has, too. */
  readonly oldCount: number;
  /** Of a gate that passes although its command failed. */
  readonly note?: string;
}

async function judge(
  { session }: GateWorld,
  {
    gate,
    run,
    base,
  }: { readonly gate: PlannedGate; readonly run: GateRun; readonly base: BaseGates },
): Promise<Judgement> {
  const tolerance = toleranceOf(session.task.gateProfile);
  const problems = problemsOf(gate, run, tolerance);
  if (problems.length === 0 || !gate.isFound) return { counting: problems, oldCount: 0 };
  const before = await base.run(gate);
  const counting = newFindings(problems, before.problems, tolerance);
  const oldCount = problems.length - counting.length;
  if (counting.length > 0) return { counting, oldCount };
  if (run.exitCode !== before.exitCode) {
    // It ended otherwise than before, and not by what could be read.
    const message = tellingLine(run.text);
    return {
      counting: [{ tool: gate.name, code: `exit-${String(run.exitCode)}`, message }],
      oldCount,
    };
  }
  const isMissing = run.exitCode === 127 || /not found|cannot find module/i.test(run.text);
  const hint = isMissing && run.findings.length === 0 ? '; name what installs it by --setup' : '';
  const note = `failed before too (${countOf(before.problems.length)}), nothing new${hint}`;
  return { counting, oldCount, note };
}

function messageOf(gate: PlannedGate, run: GateRun, { counting, oldCount }: Judgement): string {
  const how = run.timedOut
    ? `was ended after ${String(gate.timeoutMs / 1_000)} s, its limit`
    : `failed (exit code ${String(run.exitCode ?? 'none')})`;
  const old = oldCount === 0 ? '' : `, beside ${countOf(oldCount)} that the base commit has, too`;
  return `gate ${gate.name} ${how}${old}: ${toldOf(run, counting)}`;
}

/** The finding that stands for all; of a run that could be read only as a whole, its most telling line. */
function toldOf(run: GateRun, counting: readonly Finding[]): string {
  const [first] = counting.filter((finding) => finding.file !== undefined);
  if (first === undefined) return counting.find(isPlace)?.message ?? tellingLine(run.text);
  const place = [first.file, first.line].filter((part) => part !== undefined).join(':');
  return `${place}: ${first.message}`.slice(0, 300);
}

/** Failures of one stage as one: all findings, so that they are mended together. */
function joinFailures(failures: readonly GateFailure[]): GateFailure | undefined {
  const [first, ...others] = failures;
  if (first === undefined || others.length === 0) return first;
  return {
    gate: first.gate,
    message: failures.map(({ message }) => message).join('; '),
    findings: failures.flatMap(({ findings }) => findings).slice(0, maxTold),
    fingerprint: fingerprintOf(first.gate, failures.map((one) => one.fingerprint).join(' ')),
    output: failures.map(({ gate, output }) => `${gate}:\n${output.slice(-4_096)}`).join('\n'),
    fix: failures.find(({ fix }) => fix !== undefined)?.fix,
  };
}

/** Takes a gate's output for the events. */
interface GateEvents {
  readonly write: (text: string) => void;
  readonly rest: () => Promise<NewEvent[]>;
}

function startedEvent({ step }: GateWorld, gate: PlannedGate): NewEvent {
  return { type: 'step-started', data: { step, kind: 'gate', summary: gate.name } };
}

function recordLive(world: GateWorld, gate: PlannedGate): GateEvents {
  const output = recordOutput(world.step, (entry) => world.session.record(entry), {
    activity: `gate ${gate.name}`,
    event: startedEvent(world, gate),
  });
  return {
    write: (text) => {
      output.write('gate', text);
    },
    rest: () => output.rest(),
  };
}

/** Events of a gate that runs beside others: all at its end, so that those of one stand together. */
function recordLate(world: GateWorld, gate: PlannedGate): GateEvents {
  let text = '';
  return {
    write: (more) => {
      text = (text + more).slice(-maxLateChars);
    },
    rest: () => {
      const data = { step: world.step, source: 'gate' as const, text };
      const output: NewEvent[] = text === '' ? [] : [{ type: 'output', data }];
      return Promise.resolve([startedEvent(world, gate), ...output]);
    },
  };
}

/** Says how the checks went altogether, or that there were none and what was looked for. */
async function recordScore(
  { deps, session, step }: GateWorld,
  workspace: Workspace,
  {
    verdicts,
    plan,
  }: {
    readonly verdicts: readonly GateVerdict[];
    readonly plan: { readonly lookedFor?: readonly string[] };
  },
): Promise<void> {
  const summary =
    plan.lookedFor === undefined
      ? scoreOf(verdicts)
      : `no checks in this repository: looked for ${plan.lookedFor.join('; ')}`;
  const at = new Date(deps.clock.now());
  const effectId = effectIdOf(session.task.ref, step, 'checks', workspace.headCommit);
  await session.record({
    steps: [
      { step, kind: 'checks', effectId, status: 'succeeded', summary, startedAt: at, endedAt: at },
    ],
    events: [
      { type: 'step-finished', data: { step, kind: 'checks', summary, ok: true, durationMs: 0 } },
    ],
  });
}
