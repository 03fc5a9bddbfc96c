import type { NewEvent } from '../../contracts/event.schema.ts';
import { widthOf } from '../table.ts';
import { createPaint } from '../terminal.ts';
import { applyToTask, createTaskView, drawTask } from './task-view.ts';
import type { TaskView } from './task-view.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');

function happen(view: TaskView, atMs: number, event: NewEvent): void {
  const at = new Date(startMs + atMs).toISOString();
  applyToTask(view, { ...event, stream: view.id, seq: 1, at });
}

function draw(view: TaskView, height = 24, width = 60): string[] {
  return drawTask(view, { width, height, nowMs: startMs + 12_000, paint: createPaint(false) });
}

it('what has happened, the step under way and the last line of output are shown', () => {
  const view = createTaskView({ id: 'task-1', title: 'Fix it' });
  happen(view, 0, { type: 'task-started', data: { attempt: 1, worker: 'w' } });
  happen(view, 1_000, {
    type: 'step-finished',
    data: { step: 1, kind: 'model', summary: 'read files', ok: true, durationMs: 900 },
  });
  happen(view, 2_000, { type: 'step-started', data: { step: 2, kind: 'gate', summary: 'test' } });
  const text = '1 passed\n2 \u001b[31mpassed\u001b[2J\n';
  happen(view, 3_000, { type: 'output', data: { step: 2, source: 'gate', text } });

  expect(draw(view)).toEqual([
    'Fix it task-1 12s',
    'started on w',
    '✓ model: read files 0.9s',
    '● gate: test 10s',
    '  2 passed',
    'Ctrl-C detaches; the task goes on',
  ]);
});

it('it fits the terminal, keeping what is newest', () => {
  const view = createTaskView({ id: 'task-1', title: 'x'.repeat(200) });
  for (let step = 1; step <= 500; step += 1) {
    const data = {
      step,
      kind: 'tools',
      summary: `step ${step} ${'y'.repeat(100)}`,
      ok: true,
      durationMs: 1,
    } as const;
    happen(view, step, { type: 'step-finished', data });
  }

  const lines = draw(view, 10, 40);

  expect(lines.length).toBeLessThan(10);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(40);
  expect(lines.join('\n')).toContain('step 500');
});
