/**
 * The relay: carries messages that were committed with their state to Temporal.
 *
 * It looks at once when it is woken (after each commit of this process), and every second for what others left behind:
 * a process that died between commit and start, or a Temporal that was away. Several relays share the work by row locks;
 * a message is delivered at least once, and each is harmless when repeated.
 */
import type { CrashPoint, Outbox, WorkflowEngine } from '../adapters/ports.ts';
import type { Metrics } from '../adapters/telemetry/metrics.ts';
import { codeOf } from '../contracts/errors.ts';
import type { OutboxMessage } from '../contracts/messages.ts';
import type { Logger } from './deps.ts';
import { createAlarm } from './use-cases/alarm.ts';

/** Messages taken at once; a full page is followed by the next one without a pause. */
const pageSize = 100;

/** How long the relay pauses. */
export interface RelayTiming {
  /** Between two looks when nothing is to do. */
  readonly idleMs: number;
  /** The longest pause while PostgreSQL or Temporal is away; it begins with `idleMs` and doubles. */
  readonly maxBackOffMs: number;
}

/** The timing of production: a start is late by a second when the process that committed it died. */
export const relayTiming: RelayTiming = { idleMs: 1_000, maxBackOffMs: 5_000 };

/** A running relay. */
export interface OutboxRelay {
  /** Look now: something was committed. */
  readonly wake: () => void;
  /** Ends the relay after the page under way. */
  readonly stop: () => Promise<void>;
}

/** What a relay is given. */
export interface RelayDeps {
  readonly outbox: Outbox;
  readonly engine: Pick<WorkflowEngine, 'deliver'>;
  readonly crashPoint: CrashPoint;
  readonly metrics: Pick<Metrics, 'outboxDelivered'>;
  readonly log: Logger;
  readonly timing: RelayTiming;
}

/** Starts a relay. */
export function startOutboxRelay(deps: RelayDeps): OutboxRelay {
  const { timing, log } = deps;
  const stopping = new AbortController();
  const alarm = createAlarm(stopping.signal);
  const pause = createAlarm(stopping.signal);

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const limit = failures === 0 ? pageSize : 1;
      const { delivered, failure } = await relayPage(deps, limit);
      if (failure !== undefined) {
        if (failures === 0) log.warn(reasonOf(failure), 'outbox-relay-failing');
        // Nobody rings this one: commits must not hammer a service that is away.
        await pause.wait(Math.min(timing.idleMs * 2 ** failures, timing.maxBackOffMs));
        failures += 1;
      } else if (delivered < limit) {
        await alarm.wait(timing.idleMs);
      } else {
        if (failures > 0) log.info({ failures }, 'outbox-relay-recovered');
        failures = 0;
      }
    }
  };
  const running = run();

  return {
    wake: alarm.ring,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Relays one page. `failure` is set when PostgreSQL or Temporal is away; a message that is refused only waits longer. */
async function relayPage(
  deps: RelayDeps,
  limit: number,
): Promise<{ readonly delivered: number; readonly failure: unknown }> {
  const { outbox, engine, metrics, log } = deps;
  let failure: unknown;
  const deliver = async (message: OutboxMessage): Promise<void> => {
    try {
      await engine.deliver(message);
    } catch (error) {
      if (codeOf(error) === 'ENGINE_UNAVAILABLE') failure = error;
      else if (codeOf(error) === undefined)
        log.error({ err: error, kind: message.kind }, 'outbox-message-refused');
      else log.warn({ ...reasonOf(error), kind: message.kind }, 'outbox-message-waits');
      throw error;
    }
    metrics.outboxDelivered(message.kind);
    await deps.crashPoint('outbox.afterPublish.beforeMark');
  };
  try {
    return { delivered: await outbox.relay(limit, deliver), failure };
  } catch (error) {
    return { delivered: 0, failure: error };
  }
}

/** What to log of a failure: an expected one by its code and words, any other one with its stack. */
function reasonOf(failure: unknown): object {
  const code = codeOf(failure);
  return code === undefined ? { err: failure } : { code, reason: (failure as Error).message };
}
