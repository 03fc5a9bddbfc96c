/** What a program writes, as durable events: gathered for half a second or 8 KB, so that a chatty program costs few writes. */
import type { EventBody } from '../contracts/event.schema.ts';
import type { NewEvent } from '../contracts/event.schema.ts';

const gatherMs = 500;
const gatherBytes = 8_192;
/** Output kept of one step; the rest is counted, not kept. */
const keptBytes = 1_048_576;

/** Gathers output of one step. */
export interface OutputRecorder {
  write(source: EventBody<'output'>['source'], text: string): void;
  /** Stops the gathering and answers what has not been written yet, for the step's last entry. */
  rest(): Promise<NewEvent[]>;
}

/**
 * Starts gathering for a step. `save` writes events; when it fails, the text stays for the next write, and the failure
 * itself shows at the step's last entry.
 */
export function recordOutput(
  step: number,
  save: (events: NewEvent[]) => Promise<void>,
): OutputRecorder {
  let waiting: EventBody<'output'>[] = [];
  let waitingBytes = 0;
  let keptSoFar = 0;
  let droppedBytes = 0;
  let saving: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const take = (): NewEvent[] => {
    const events = waiting.map((data): NewEvent => ({ type: 'output', data }));
    waiting = [];
    waitingBytes = 0;
    return events;
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    saving = saving.then(async () => {
      const events = take();
      if (events.length === 0) return;
      try {
        await save(events);
      } catch {
        waiting = [...events.map((event) => event.data as EventBody<'output'>), ...waiting];
      }
    });
  };
  return {
    write(source, text) {
      if (keptSoFar + text.length > keptBytes) {
        droppedBytes += text.length;
        return;
      }
      keptSoFar += text.length;
      const last = waiting.at(-1);
      if (last?.source === source)
        waiting[waiting.length - 1] = { ...last, text: last.text + text };
      else waiting.push({ step, source, text });
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
