// The live table of a batch:
//   - it fits the terminal, however small, and never shows more lines than there is room for
//   - failures come first, then the newest running items; what is cut is counted
//   - a retry takes an item back among the running ones
//   - names and errors cannot steer the terminal
import type { NewEvent } from '../../contracts/event.schema.ts';
import { createPaint } from '../terminal.ts';
import { widthOf } from '../table.ts';
import { applyToBatch, createBatchView, drawBatch } from './batch-view.ts';
import type { BatchView, Screen } from './batch-view.ts';

const startMs = Date.parse('2026-01-01T00:00:00Z');

function aView(total: number): BatchView {
  return createBatchView({ id: 'batch-1', name: 'Use the new logger', parallel: 20, total });
}

function happen(view: BatchView, atMs: number, event: NewEvent): void {
  const at = new Date(startMs + atMs).toISOString();
  applyToBatch(view, { stream: 'batch-1', seq: 1, at, ...event });
}

function begin(view: BatchView, index: number, attempt = 1): void {
  const repository = `/r/repo-${index}`;
  happen(view, index, {
    type: 'item-started',
    data: { taskId: `task-${index}`, itemIndex: index, repository, attempt },
  });
}

function end(
  view: BatchView,
  index: number,
  outcome: 'succeeded' | 'failed',
  error?: string,
): void {
  const item = {
    taskId: `task-${index}`,
    itemIndex: index,
    repository: `/r/repo-${index}`,
    attempt: 1,
  };
  const why =
    outcome === 'failed'
      ? { failureClass: 'gate' as const, error: error ?? 'tests: 3 failed' }
      : {};
  happen(view, index, {
    type: 'item-ended',
    data: { ...item, ...why, outcome, costMicroUsd: 100_000 },
  });
}

function draw(view: BatchView, screen: Partial<Screen> = {}): string[] {
  return drawBatch(view, {
    width: 80,
    height: 24,
    nowMs: startMs + 10_000,
    paint: createPaint(false),
    ...screen,
  });
}

it('counts, time and cost stand above the items', () => {
  const view = aView(4);
  happen(view, 0, { type: 'batch-started', data: { total: 4, parallel: 2, round: 1 } });
  begin(view, 0);
  end(view, 0, 'succeeded');
  begin(view, 1);
  end(view, 1, 'failed');
  begin(view, 2);
  view.etaAtMs = startMs + 40_000;

  const lines = draw(view);

  expect(lines[0]).toBe('Use the new logger batch-1 2 at once');
  expect(lines[1]).toMatch(/^█{20}░{20} 2\/4$/);
  expect(lines[2]).toBe('1 ok · 1 failed · 1 running · 1 queued · 10s · about 30s left · $0.2000');
});

it('failures come first, then the newest running items', () => {
  const view = aView(5);
  for (const index of [0, 1, 2, 3]) begin(view, index);
  end(view, 1, 'failed');

  const items = draw(view).filter((line) => /^[✗●]/.test(line));

  expect(items.map((line) => /^(.) r\/(repo-\d)/.exec(line)?.slice(1))).toEqual([
    ['✗', 'repo-1'],
    ['●', 'repo-3'],
    ['●', 'repo-2'],
    ['●', 'repo-0'],
  ]);
});

it.each([
  [80, 24],
  [40, 10],
  [20, 6],
  [120, 5],
  [200, 60],
])('it fits %d columns and %d lines', (width, height) => {
  const view = aView(10_000);
  for (let index = 0; index < 300; index += 1) begin(view, index);
  for (let index = 0; index < 100; index += 1)
    end(view, index, index % 2 === 0 ? 'failed' : 'succeeded', 'x'.repeat(500));

  const lines = draw(view, { width, height });

  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width);
  if (height > 8) expect(lines.length).toBeLessThan(height);
});

it('what does not fit is counted', () => {
  const view = aView(100);
  for (let index = 0; index < 50; index += 1) begin(view, index);
  for (let index = 0; index < 20; index += 1) end(view, index, 'failed');

  const lines = draw(view, { height: 14 });

  expect(lines.join('\n')).toMatch(/… and 17 more failed[^]*… and 26 more running/);
});

it('a retry takes an item back', () => {
  const view = aView(1);
  begin(view, 0);
  end(view, 0, 'failed');

  begin(view, 0, 2);

  const text = draw(view).join('\n');
  expect(text).toContain('0/1');
  expect(text).toContain('attempt 2');
  expect(text).not.toContain('✗');
});

it('an item that asks says so until it is answered', () => {
  const view = aView(1);
  begin(view, 0);
  const asked = { approvalId: 'approval-1', taskId: 'task-0' };
  happen(view, 1, {
    type: 'approval-requested',
    data: {
      ...asked,
      kind: 'cost',
      title: 'Spend more?',
      defaultDecision: 'reject',
      deadlineAt: '2026-01-01T01:00:00Z',
    },
  });
  const before = draw(view).join('\n');
  happen(view, 2, {
    type: 'approval-decided',
    data: { ...asked, decision: 'approve', expired: false },
  });

  expect(before).toContain('asks: Spend more?');
  expect(draw(view).join('\n')).not.toContain('asks');
});

it('names and errors cannot steer the terminal', () => {
  const view = aView(1);
  begin(view, 0);
  end(view, 0, 'failed', 'bad \u001b[2J\u001b]0;x\u0007\nthing');

  expect(draw(view).join('')).toMatch(/bad +thing/);
  expect(draw(view).join('')).not.toContain('\u001b');
});
