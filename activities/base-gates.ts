/**
 * What the checks of a repository said before the work: each that fails is run once on the base commit, in a worktree of
 * its own, and its findings stay on record for the later rounds of the attempt.
 */
import type { StepEntry, Workspace } from '../adapters/ports.ts';
import type { Finding } from '../contracts/step.schema.ts';
import { effectIdOf } from './effect-id.ts';
import { runOnce, type GateWorld } from './gate-run.ts';
import { problemsOf } from './judge-gate.ts';
import { toleranceOf, type PlannedGate } from './plan-gates.ts';
import { runSetup } from './run-setup.ts';
import { workspaceKey } from './workspace-key.ts';

/** Findings of the base that are kept: as many as are read of the work, so that no old one of these counts as new. */
const maxKept = 1_000;

/** How a check went on the base commit. */
export interface BaseRun {
  readonly exitCode: number | undefined;
  /** What was wrong already; empty when it passed. */
  readonly problems: readonly Finding[];
}

/** The base commit's checks. */
export interface BaseGates {
  run(gate: PlannedGate): Promise<BaseRun>;
  /** Throws the worktree away. */
  close(): Promise<void>;
}

/** Opens them; nothing is prepared before it is needed. */
export function openBaseGates(world: GateWorld): BaseGates {
  const { deps, session, step } = world;
  const { task, signal } = session;
  const key = `${workspaceKey(task.ref)}.base`;
  let opened: Promise<Workspace> | undefined;

  const open = async (): Promise<Workspace> => {
    const request = { ...task, key, headCommit: task.baseCommit, signal };
    const workspace = await deps.workspaces.prepare(request);
    await runSetup(deps, session, workspace);
    return workspace;
  };

  return {
    async run(gate) {
      const effectId = effectIdOf(task.ref, 0, 'gate-base', `${gate.name} ${gate.command}`);
      const known = await deps.journal.findStep(task.ref, effectId);
      if (known !== undefined) return { exitCode: known.exitCode, problems: known.findings ?? [] };
      const startedAt = new Date(deps.clock.now());
      await session.record({ activity: `gate ${gate.name} on the base commit` });
      const run = await runOnce(world, await (opened ??= open()), { gate });
      const tolerance = toleranceOf(task.gateProfile);
      const problems = problemsOf(gate, run, tolerance).slice(0, maxKept);
      const said = problems.length === 0 ? 'passed' : `failed, ${countOf(problems.length)}`;
      const entry: StepEntry = {
        step,
        kind: 'gate-base',
        gate: gate.name,
        effectId,
        status: 'succeeded',
        summary: `${gate.name} on the base commit: ${said}`,
        findings: problems,
        startedAt,
        endedAt: new Date(deps.clock.now()),
        ...(run.exitCode === undefined ? {} : { exitCode: run.exitCode }),
      };
      await session.record({ steps: [entry] });
      return { exitCode: run.exitCode, problems };
    },
    async close() {
      if (opened === undefined) return;
      await opened.catch(() => undefined);
      // Clean-up decides nothing: a leftover is swept a day later.
      await deps.workspaces.discard(key).catch(() => undefined);
    },
  };
}

/** `1 finding`, `3 findings`. */
export function countOf(findings: number): string {
  return `${String(findings)} finding${findings === 1 ? '' : 's'}`;
}
