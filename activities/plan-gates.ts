/** Which checks a piece of work has to pass: those that the request names, and those that its profile finds. */
import type { Coverage, FoundGate, GateKind, TaskRecord, Workspace } from '../adapters/ports.ts';
import type { Gate, GateProfile } from '../contracts/task.schema.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

/** Limit of a gate that names none. */
const defaultTimeoutMs = 600_000;

/** A check to run. */
export interface PlannedGate {
  readonly name: string;
  readonly command: string;
  readonly timeoutMs: number;
  readonly kind: GateKind | 'other';
  /** Found in the repository: it is judged on what the task changed. One that the request names has to pass. */
  readonly isFound: boolean;
  readonly fix?: string;
}

/** The checks of a piece of work. */
export interface GatePlan {
  /** One after the other; those of a stage side by side. */
  readonly stages: readonly (readonly PlannedGate[])[];
  /** Set when the profile found nothing: what was looked for. */
  readonly lookedFor?: readonly string[];
}

/** What strict and standard tolerate. */
export interface Tolerance {
  /** New warnings of one check beyond which it fails. */
  readonly maxWarnings: number;
  /** Shares of the code that tests have to run, in percent, where a repository measures them. */
  readonly minCoverage: Required<Coverage>;
}
const standard: Tolerance = {
  maxWarnings: 10,
  minCoverage: { statements: 80, branches: 70, functions: 80, lines: 80 },
};
const tolerances: Readonly<Record<GateProfile, Tolerance>> = {
  none: standard,
  minimal: standard,
  standard,
  strict: {
    maxWarnings: 0,
    minCoverage: { statements: 90, branches: 90, functions: 90, lines: 90 },
  },
};

/** What a profile tolerates of the checks that it finds. */
export function toleranceOf(profile: GateProfile): Tolerance {
  return tolerances[profile];
}

/** Whether work of the task has to pass anything. */
export function isChecked({
  gates,
  gateProfile,
}: Pick<TaskRecord, 'gates' | 'gateProfile'>): boolean {
  return gates.length > 0 || gateProfile !== 'none';
}

/** Cheap checks first; lint and types side by side. */
const stageOf: Readonly<Record<PlannedGate['kind'], number>> = {
  lint: 0,
  typecheck: 0,
  build: 1,
  test: 2,
  coverage: 3,
  security: 4,
  other: 5,
};

/**
 * Plans the checks. They are looked for in the base commit, so that nothing that the agent did takes one away; what only
 * the work has is added to them.
 */
export async function planGates(
  deps: ActivityDeps,
  { task }: TaskSession,
  workspace: Workspace,
): Promise<GatePlan> {
  const named = task.gates.map(toNamed);
  const { gateProfile: profile } = task;
  if (profile === 'none') return { stages: named.map((gate) => [gate]) };
  const wanted = deps.gates.manifests;
  const find = async (at: { readonly commit?: string }) =>
    deps.gates.detect(await deps.workspaces.readCommitted(workspace, { ...at, wanted }), profile);
  const [base, work] = await Promise.all([find({ commit: task.baseCommit }), find({})]);
  const isTaken = (gate: FoundGate): boolean => named.some(({ name }) => name === gate.name);
  const added = work.gates.filter((gate) => !base.gates.some(({ name }) => name === gate.name));
  const found = [...base.gates, ...added].filter((gate) => !isTaken(gate)).map(toFound);
  const all = [...found, ...named];
  const stages = Map.groupBy(all, ({ kind, name }) =>
    kind === 'other' ? `other ${name}` : String(stageOf[kind]),
  );
  const inOrder = [...stages.values()].toSorted(
    ([one], [other]) => stageOf[one?.kind ?? 'other'] - stageOf[other?.kind ?? 'other'],
  );
  return all.length === 0 ? { stages: [], lookedFor: work.lookedFor } : { stages: inOrder };
}

function toNamed(gate: Gate): PlannedGate {
  const { name, command, timeoutMs = defaultTimeoutMs, fix } = gate;
  const kind = name in stageOf ? (name as PlannedGate['kind']) : 'other';
  const planned = { name, command, timeoutMs, kind, isFound: false };
  return fix === undefined ? planned : { ...planned, fix };
}

function toFound({ name, command, timeoutMs, kind, fix }: FoundGate): PlannedGate {
  const gate = { name, command, timeoutMs, kind, isFound: true };
  return fix === undefined ? gate : { ...gate, fix };
}
