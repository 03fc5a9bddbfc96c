// Whatever callers and workers ask for in whatever order, a task lives by its state machine.
import { constantFrom, assert, array, asyncProperty } from 'fast-check';
import type { Actor } from '../../../adapters/ports.ts';
import { codeOf } from '../../../contracts/errors.ts';
import {
  isFinal,
  mayMove,
  statusOfOutcome,
  type TaskStatus,
} from '../../../contracts/task-status.ts';
import { taskSchema, type Task } from '../../../contracts/task.schema.ts';
import { aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld();
  actor = await world.aTenant();
});
afterAll(() => world.close());

const wishes = ['start', 'succeed', 'fail', 'skip', 'cancel', 'retry'] as const;
type Wish = (typeof wishes)[number];

async function grant(wish: Wish, { id, attempt }: Task): Promise<unknown> {
  const { journal, store } = world;
  const begin = async () =>
    (await journal.begin({ tenantId: actor.tenantId, taskId: id, attempt })).fence;
  switch (wish) {
    case 'start':
      return journal.markRunning(await begin(), 'worker-1');
    case 'succeed':
      return journal.finish(await begin(), { outcome: 'succeeded' });
    case 'fail':
      return journal.finish(await begin(), { outcome: 'failed', failureClass: 'agent' });
    case 'skip':
      return journal.finish(await begin(), { outcome: 'skipped_budget' });
    case 'cancel':
      return store.cancelTask(actor, id, undefined);
    case 'retry':
      return store.retryTask(actor, id);
  }
}

/** The statuses that the events tell of, in order. */
function statusesIn(types: readonly { type: string; data: object }[]): TaskStatus[] {
  return types.flatMap(({ type, data }): TaskStatus[] => {
    if (type === 'task-queued') return ['queued'];
    if (type === 'task-started') return ['running'];
    return type === 'task-ended' ? [(data as { status: TaskStatus }).status] : [];
  });
}

test('every refusal has a code, every move is a legal one, and the events tell the same story as the row', async () => {
  const expected = [
    'TASK_ALREADY_ENDED',
    'TASK_NOT_ENDED',
    'NOTHING_TO_RETRY',
    'TASK_CANCELLED',
    'SUPERSEDED',
  ];
  await assert(
    asyncProperty(array(constantFrom(...wishes), { maxLength: 12 }), async (asked) => {
      const { id } = await world.store.createTask(actor, aTask(), undefined);
      for (const wish of asked) {
        await grant(wish, await world.store.getTask(actor, id)).catch((error: unknown) => {
          expect(expected).toContain(codeOf(error));
        });
      }

      const task = taskSchema.parse(await world.store.getTask(actor, id));
      const events = await world.eventsOf(actor, id);
      const told = statusesIn(events);
      expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
      expect(told.at(-1)).toBe(task.status);
      for (const [index, status] of told.entries()) {
        if (index > 0) expect(mayMove(told[index - 1] ?? 'queued', status)).toBe(true);
      }
      expect(task.attempt).toBe(told.filter((status) => status === 'queued').length);
      expect(isFinal(task.status)).toBe(task.outcome !== undefined);
      if (task.outcome !== undefined) expect(task.status).toBe(statusOfOutcome(task.outcome));
      if (task.cancelRequested && isFinal(task.status)) expect(task.outcome).toBe('cancelled');
    }),
    { numRuns: 60 },
  );
});
