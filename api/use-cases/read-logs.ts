/** A task's log as text: what its programs and models wrote, between lines that say which step it was. */
import type { Actor } from '../../adapters/ports.ts';
import type { Event } from '../../contracts/event.schema.ts';
import type { ApiDeps } from '../deps.ts';

/** Events read at once. */
const pageSize = 500;

/** Yields the log of the current attempt piece by piece. @throws TASK_NOT_FOUND before anything is yielded */
export async function* readLogs(
  deps: Pick<ApiDeps, 'store'>,
  request: { readonly actor: Actor; readonly taskId: string; readonly signal: AbortSignal },
): AsyncGenerator<string, void> {
  const { actor, taskId, signal } = request;
  const { attempt } = await deps.store.getTask(actor, taskId);
  let isCurrent = false;
  let seq = 0;
  let isLineOpen = false;
  while (!signal.aborted) {
    const page = await deps.store.listEvents(actor, taskId, seq, pageSize);
    let text = '';
    for (const event of page) {
      seq = event.seq;
      if (event.type === 'task-queued') isCurrent = event.data.attempt === attempt;
      if (!isCurrent) continue;
      const piece = event.type === 'output' ? event.data.text : stepLine(event);
      if (piece === '') continue;
      text += isLineOpen && event.type !== 'output' ? `\n${piece}` : piece;
      isLineOpen = !piece.endsWith('\n');
    }
    if (text !== '') yield text;
    if (page.length < pageSize) return;
  }
}

/** A line about a step or the end; nothing for other events, which a log does not need. */
function stepLine(event: Event): string {
  if (event.type === 'step-started') {
    return `[step ${event.data.step}: ${event.data.kind}] ${event.data.summary}\n`;
  }
  if (event.type === 'step-finished') {
    const { step, kind, ok, durationMs, summary } = event.data;
    const verdict = ok ? 'ok' : 'failed';
    return `[step ${step}: ${kind}] ${verdict} after ${(durationMs / 1_000).toFixed(1)} s: ${summary}\n`;
  }
  if (event.type === 'task-ended') {
    const { outcome, errorCode, error } = event.data;
    const why = [errorCode, error].filter((word) => word !== undefined).join(': ');
    return why === '' ? `[${outcome}]\n` : `[${outcome}] ${why}\n`;
  }
  return '';
}
