/** A bought answer goes on record: what it used and cost, the step that it is, and what came of the budgets. */
import type {
  AnswerFacts,
  CallRoute,
  ConsideredRoute,
  KeyedMessage,
  MovedBudget,
  TaskRecord,
} from '../adapters/ports.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import { bookedTo } from './after-failure.ts';
import type { BoughtAnswer } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import { roomOf } from './hold-money.ts';
import type { TaskSession } from './task-session.ts';

/** An answer, and what is written with it. */
export interface AnswerRecord<A extends AnswerFacts> {
  readonly step: number;
  /** Identity of the step, or of a program's call. */
  readonly effectId: string;
  readonly bought: BoughtAnswer<A>;
  readonly considered: readonly ConsideredRoute[];
  readonly startedAt: Date;
  /** One line that tells of the answer. */
  readonly summary: string;
  readonly messages?: readonly KeyedMessage[];
  /** Before and after the change of the route, if it changed. */
  readonly told: readonly NewEvent[];
  readonly said: readonly NewEvent[];
}

/** Writes all of it in one transaction, then tells the limits what the call really used. */
export async function recordAnswer<A extends AnswerFacts>(
  deps: ActivityDeps,
  session: TaskSession,
  record: AnswerRecord<A>,
): Promise<void> {
  const { task } = session;
  const { step, effectId, bought, considered, startedAt, summary, messages = [] } = record;
  const { answer, route, callId, costMicroUsd, priceId } = bought;
  const endedAt = new Date(deps.clock.now());
  const durationMs = endedAt.getTime() - startedAt.getTime();
  const moved = await session.record({
    messages,
    usage: {
      ...answer.usage,
      ...bookedTo(route),
      effectId,
      requestId: answer.responseId,
      costMicroUsd,
      priceId,
      routes: considered,
      ...(callId === undefined ? {} : { callId }),
      ...(answer.serviceTier === undefined ? {} : { serviceTier: answer.serviceTier }),
    },
    steps: [
      {
        step,
        kind: 'model',
        effectId,
        status: 'succeeded',
        summary,
        costMicroUsd,
        startedAt,
        endedAt,
      },
    ],
    events: [
      ...record.told,
      ...changeOfRoute(task, { step, route, considered }),
      ...record.said,
      { type: 'step-finished', data: { step, kind: 'model', summary, ok: true, durationMs } },
    ],
    activity: summary,
    waitingFor: null,
  });
  await bought.settleLimits();
  await tellBudgets(deps, session, moved);
  deps.metrics.stepFinished('model', true, durationMs);
}

/** Tells of budgets that a purchase has brought to a new level. */
async function tellBudgets(
  deps: ActivityDeps,
  session: TaskSession,
  moved: readonly MovedBudget[],
): Promise<void> {
  for (const budget of moved) {
    const kind = /^(tenant$|day:)/.exec(budget.id) && (budget.id === 'tenant' ? 'tenant' : 'day');
    if (kind !== null) deps.metrics.budgetStands({ kind, remainingMicroUsd: roomOf(budget) });
  }
  const events = moved.flatMap(({ id, reached, spentMicroUsd, limitMicroUsd }): NewEvent[] =>
    reached === undefined || reached === 'ok'
      ? []
      : [
          {
            type: 'budget-reached',
            data: { budget: id, level: reached, spentMicroUsd, limitMicroUsd },
          },
        ],
  );
  // A warning that is lost with its worker is still in the budget's own state.
  if (events.length > 0) await session.record({ events });
}

function changeOfRoute(
  { route: before }: TaskRecord,
  answered: {
    readonly step: number;
    readonly route: CallRoute;
    readonly considered: readonly ConsideredRoute[];
  },
): NewEvent[] {
  const { step, route, considered } = answered;
  if (before === undefined || before === route.name) return [];
  const verdict = considered.findLast((one) => one.route === before)?.verdict;
  const reason = verdict ?? 'an account of a better kind can be used again';
  return [{ type: 'route-changed', data: { step, from: before, to: route.name, reason } }];
}
