/** A running task's question about money, as a workflow asks it. */
import { v7 } from 'uuid';
import type { Fence } from '../../../adapters/ports.ts';
import type { OpenApprovalInput } from '../../../contracts/activities.ts';
import {
  approvalTerms,
  type ApprovalQuestion,
  type CostQuestion,
} from '../../../contracts/approval.ts';
import type { PostgresWorld } from './postgres-world.ts';

function aQuestion(changes: Partial<CostQuestion> = {}): CostQuestion {
  return {
    kind: 'cost',
    title: 'Spend more than $1.00 on this task?',
    key: 'cost',
    facts: {
      route: 'main:model-1',
      spentMicroUsd: 900_000,
      confirmedMicroUsd: 1_000_000,
      nextCallMicroUsd: 300_000,
      limitMicroUsd: 5_000_000,
    },
    ...changes,
  };
}

export function asked({ ref }: Fence, changes: Partial<CostQuestion> = {}): OpenApprovalInput {
  return { ...ref, approvalId: `approval-${v7()}`, question: aQuestion(changes) };
}

/** May the work be delivered that stands at this commit? */
export function askedToReview({ ref }: Fence, commit: string): OpenApprovalInput {
  const question: ApprovalQuestion = {
    ...{ kind: 'edits_review', title: 'May this work be delivered?', key: `review:${commit}` },
    facts: {
      ...{ commit, diffStat: { files: 1, insertions: 1, deletions: 0 } },
      ...{ summary: 'Done.', passedGates: ['test'] },
    },
  };
  return { ...ref, approvalId: `approval-${v7()}`, question };
}

/** Asks with the terms of production; answers what is on record. */
export async function ask(world: PostgresWorld, input: OpenApprovalInput) {
  const { approval, opened, isNew } = await world.questions.open(
    input,
    approvalTerms[input.question.kind],
  );
  return { approval, opened, isNew, ref: { tenantId: input.tenantId, approvalId: approval.id } };
}
