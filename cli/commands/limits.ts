/** `ado limits`: where the limits of the accounts stand, live on a terminal. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { ApiClient } from '../api-client.ts';
import type { Cli } from '../cli.ts';
import { connect } from '../connect.ts';
import { exitCodes } from '../exit-codes.ts';
import { print } from '../output.ts';
import type { OutputFormat } from '../output.ts';
import { widthOf } from '../table.ts';
import { toLine } from '../terminal.ts';
import type { Screen } from '../watch/batch-view.ts';
import { listenForInterrupts } from '../watch/interrupts.ts';
import { drawLimits } from '../watch/limits-view.ts';
import type { LimitsShown } from '../watch/limits-view.ts';

/** The flags of `ado limits`. */
export interface LimitsOptions {
  readonly once?: true | undefined;
  readonly output: OutputFormat;
}

/** How often the server is asked. */
const askIntervalMs = 1_000;

/** Runs the command; answers the exit code. Ctrl-C is its usual end. */
export async function limits(cli: Cli, { once: isOnce, output }: LimitsOptions): Promise<number> {
  const { terminal } = cli;
  const api = await connect(cli, { mayStart: false });
  const first = await api.call('get /v1/limits', {});
  const isLive = isOnce !== true && output === 'text' && terminal.stdout.isTTY === true;
  const last = isLive && first.accounts.length > 0 ? await watch(cli, api, first) : first;
  await print(terminal, output, {
    value: last,
    rows: last.accounts,
    names: last.accounts.map(({ name }) => name),
    text: () => {
      if (last.accounts.length > 0) return drawLimits(last, terminal.paint).join('\n');
      terminal.note('There are no accounts, so there are no limits: `ado providers` says more.');
      return '';
    },
  });
  return exitCodes.ok;
}

/** Shows the limits until Ctrl-C; answers what was shown last. An error is shown until the server answers again. */
async function watch(cli: Cli, api: ApiClient, first: LimitsShown): Promise<LimitsShown> {
  const { openLiveScreen } = await import('../watch/live-screen.ts');
  const interrupts = listenForInterrupts();
  const { first: stop } = interrupts;
  let shown = first;
  let notice = '';
  const screen = openLiveScreen(cli.terminal, (size) => drawScreen(shown, notice, size));
  const stopped = once(stop, 'abort').then(() => undefined);
  while (await goesOn(stop)) {
    try {
      // After Ctrl-C the answer to the last question is not worth waiting for.
      shown = (await Promise.race([api.call('get /v1/limits', {}), stopped])) ?? shown;
      notice = '';
    } catch (error) {
      notice = error instanceof Error ? error.message : String(error);
    }
    screen.redraw();
  }
  screen.close();
  interrupts.stop();
  return shown;
}

function drawScreen(shown: LimitsShown, notice: string, screen: Screen): string[] {
  const { paint, width, height } = screen;
  const lines = drawLimits(shown, paint);
  const room = Math.max(1, height - 2);
  const rest = lines.length - room;
  const kept = rest > 0 ? [...lines.slice(0, room - 1), `… ${rest + 1} more lines`] : lines;
  const foot = notice === '' ? paint.dim('Ctrl-C ends') : paint.yellow(toLine(notice, width));
  return [...kept.map((line) => fit(line, width)), foot];
}

function fit(line: string, width: number): string {
  return widthOf(line) <= width ? line : toLine(stripVTControlCharacters(line), width);
}

/** Waits for the next look; false when there is none. */
async function goesOn(stop: AbortSignal): Promise<boolean> {
  await delay(askIntervalMs, undefined, { signal: stop }).catch(() => undefined);
  return !stop.aborted;
}
