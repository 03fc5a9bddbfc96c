/** A block of lines at the bottom of the terminal that is drawn anew as things change. */
import { createLogUpdate } from 'log-update';
import type { Terminal } from '../terminal.ts';
import type { Screen } from './batch-view.ts';

/** The block. */
export interface LiveScreen {
  /** Asks for a drawing; several at once are one. */
  readonly redraw: () => void;
  /** Takes the block away while something is written that stays, and draws it anew below that. */
  readonly above: (write: () => void) => void;
  /** Takes the block away. */
  readonly close: () => void;
}

/** At most ten drawings a second: more is only flicker, and work for slow terminals. */
const frameMs = 100;

/** Opens a block. It is drawn on request, and each second as times pass. */
export function openLiveScreen(terminal: Terminal, draw: (screen: Screen) => string[]): LiveScreen {
  const stream = terminal.stdout;
  const update = createLogUpdate(process.stdout);
  let pending: NodeJS.Timeout | undefined;
  const show = (): void => {
    clearTimeout(pending);
    pending = undefined;
    const { columns: width = 80, rows: height = 24 } = stream;
    update(draw({ width, height, nowMs: Date.now(), paint: terminal.paint }).join('\n'));
  };
  const redraw = (): void => {
    pending ??= setTimeout(show, frameMs);
  };
  const clock = setInterval(redraw, 1_000);
  process.on('SIGWINCH', redraw);
  show();
  return {
    redraw,
    above: (write) => {
      update.clear();
      write();
      show();
    },
    close: () => {
      clearTimeout(pending);
      clearInterval(clock);
      process.off('SIGWINCH', redraw);
      update.clear();
      update.done();
    },
  };
}
