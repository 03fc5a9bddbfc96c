/**
 * What a step does while it lasts, as durable events: its beginning and what its program writes, gathered for half a second
 * or 8 KB. A chatty program costs few writes, and a step that is over sooner none of its own.
 */
import type { JournalEntry } from '../adapters/ports.ts';
import type { EventBody, NewEvent } from '../contracts/event.schema.ts';

const gatherMs = 500;
const gatherBytes = 8_192;
/** Output kept of one step; the rest is counted, not kept. */
const keptBytes = 1_048_576;

/** What is told of a step that lasts. */
export interface StepBegin {
  /** One line that says what the task does now. */
  readonly activity: string;
  readonly event?: NewEvent;
}

/** Gathers the events of one step. */
export interface OutputRecorder {
  write(source: EventBody<'output'>['source'], text: string): void;
  /** Stops the gathering and answers what has not been written yet, for the step's last entry. */
  rest(): Promise<NewEvent[]>;
}

/**
 * Starts gathering for a step. `save` writes an entry; when it fails, the events stay for the next write, and the failure
 * itself shows at the step's last entry.
 */
export function recordOutput(
  step: number,
  save: (entry: Pick<JournalEntry, 'events' | 'activity'>) => Promise<unknown>,
  begin?: StepBegin,
): OutputRecorder {
  let waiting: NewEvent[] = begin?.event === undefined ? [] : [begin.event];
  let activity = begin?.activity;
  let waitingBytes = 0;
  let keptSoFar = 0;
  let droppedBytes = 0;
  let saving: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const take = (): NewEvent[] => {
    const events = waiting;
    waiting = [];
    waitingBytes = 0;
    return events;
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    saving = saving.then(async () => {
      const events = take();
      const entry = activity === undefined ? { events } : { events, activity };
      activity = undefined;
      if (events.length === 0 && entry.activity === undefined) return;
      try {
        await save(entry);
      } catch {
        waiting = [...events, ...waiting];
      }
    });
  };
  if (begin !== undefined) timer = setTimeout(flush, gatherMs);
  return {
    write(source, text) {
      if (keptSoFar + text.length > keptBytes) {
        droppedBytes += text.length;
        return;
      }
      keptSoFar += text.length;
      const last = waiting.at(-1);
      if (last?.type === 'output' && last.data.source === source) {
        const data = { ...last.data, text: last.data.text + text };
        waiting[waiting.length - 1] = { type: 'output', data };
      } else waiting.push({ type: 'output', data: { step, source, text } });
      waitingBytes += text.length;
      if (waitingBytes >= gatherBytes) flush();
      else timer ??= setTimeout(flush, gatherMs);
    },
    async rest() {
      clearTimeout(timer);
      await saving;
      const events = take();
      if (droppedBytes > 0) {
        events.push({
          type: 'output',
          data: {
            step,
            source: 'stderr',
            text: `[ado: ${String(droppedBytes)} more bytes of output not kept]\n`,
          },
        });
      }
      return events;
    },
  };
}
