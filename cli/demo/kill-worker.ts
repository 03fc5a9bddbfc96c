/** The crash of a tour: the worker is killed as `kill -9` does while the batch runs. */
import type { Event } from '../../contracts/event.schema.ts';
import type { Cli } from '../cli.ts';
import { platformStatus } from '../dev/status.ts';
import type { Display } from '../watch/display.ts';

/** Passes events on, and kills the worker of a platform when so many items have ended. */
export function killWorkerOnTheWay(
  cli: Cli,
  display: Display,
  { home, afterItems }: { readonly home: string; readonly afterItems: number },
): { readonly display: Display; readonly killed: () => boolean } {
  let ended = 0;
  let killed = false;
  const kill = async (): Promise<void> => {
    const worker = (await platformStatus(home)).services.find(
      (service) => service.name === 'worker',
    );
    if (worker?.pid === undefined || worker.pid === null) return;
    process.kill(worker.pid, 'SIGKILL');
    killed = true;
    display.note(
      `*** kill -9 ${String(worker.pid)}: the worker is gone. Another one starts; within 15 s it goes on with what was lost. ***`,
    );
  };
  const event = (told: Event): void => {
    display.event(told);
    if (told.type !== 'item-ended') return;
    ended += 1;
    if (ended === afterItems) kill().catch((error: unknown) => cli.terminal.alarm(String(error)));
  };
  return { display: { ...display, event }, killed: () => killed };
}
