/** The relay: everything committed reaches Temporal, soon, whatever fails on the way. */
import { once, EventEmitter } from 'node:events';
import { AppError } from '../contracts/errors.ts';
import type { OutboxMessage } from '../contracts/messages.ts';
import { createMemoryOutbox } from '../tests/support/fakes/memory-outbox.ts';
import { startOutboxRelay, type OutboxRelay, type RelayDeps } from './outbox-relay.ts';

const cancel = (workflowId: string): OutboxMessage => ({ kind: 'cancel-workflow', workflowId });

/** A relay over an outbox in memory, an engine that can be switched off, and the deliveries it saw. */
function startWorld(
  messages: OutboxMessage[],
  change: Partial<RelayDeps> = {},
  { isGone = false } = {},
) {
  const engine = { isGone, tries: 0 };
  const seen = new EventEmitter();
  const delivered: string[] = [];
  const logged: string[] = [];
  const log = (_fields: object, event: string) => void logged.push(event);
  const relay = startOutboxRelay({
    outbox: createMemoryOutbox(messages),
    engine: {
      deliver: async (message) => {
        engine.tries += 1;
        seen.emit('tried');
        if (engine.isGone) throw new AppError('ENGINE_UNAVAILABLE', 'gone');
        if (message.kind === 'cancel-workflow') delivered.push(message.workflowId);
      },
    },
    metrics: { outboxDelivered: () => undefined },
    crashPoint: async () => undefined,
    log: { info: log, warn: log, error: log },
    timing: { idleMs: 5, maxBackOffMs: 20 },
    ...change,
  });
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await once(seen, 'tried').then(() => new Promise(setImmediate));
  };
  return { relay, engine, delivered, logged, until };
}

let relay: OutboxRelay;
afterEach(() => relay.stop());

test('what is in the outbox at the start is delivered without being asked for', async () => {
  const world = startWorld([cancel('a')]);
  ({ relay } = world);

  await world.until(() => world.delivered.length > 0);

  expect(world.delivered).toEqual(['a']);
});

test('a commit is relayed at once, not at the next look', async () => {
  const messages: OutboxMessage[] = [];
  const world = startWorld(messages, { timing: { idleMs: 60_000, maxBackOffMs: 60_000 } });
  ({ relay } = world);
  messages.push(cancel('a'));

  relay.wake();
  await world.until(() => world.delivered.length > 0);

  expect(world.delivered).toEqual(['a']);
});

test('a message of a process that died is found without a wake-up', async () => {
  const messages: OutboxMessage[] = [];
  const world = startWorld(messages);
  ({ relay } = world);

  messages.push(cancel('a'));
  await world.until(() => world.delivered.length > 0);

  expect(world.delivered).toEqual(['a']);
});

test('while Temporal is away one message is tried at a time, then all are delivered', async () => {
  const messages = Array.from({ length: 150 }, (_, n) => cancel(String(n)));
  const world = startWorld(messages, {}, { isGone: true });
  ({ relay } = world);
  await world.until(() => world.logged.includes('outbox-relay-failing'));
  const triesOfFirstPage = world.engine.tries;
  await world.until(() => world.engine.tries > triesOfFirstPage);

  expect(world.engine.tries - triesOfFirstPage).toBe(1);

  world.engine.isGone = false;
  await world.until(() => messages.length === 0);
  expect(new Set(world.delivered).size).toBe(150);
  expect(world.logged).toEqual(['outbox-relay-failing', 'outbox-relay-recovered']);
});

test('a message that Temporal refuses does not keep others back', async () => {
  const messages = [cancel('bad'), cancel('good')];
  const delivered: string[] = [];
  const world = startWorld(messages, {
    engine: {
      deliver: async (message) => {
        if (message.kind !== 'cancel-workflow') return;
        if (message.workflowId === 'bad') throw new Error('refused');
        delivered.push(message.workflowId);
      },
    },
  });
  ({ relay } = world);

  await new Promise(setImmediate);

  expect(delivered).toEqual(['good']);
  expect(world.logged).toContain('outbox-message-refused');
});

test('a store that is away is asked again', async () => {
  let tries = 0;
  const asked = new EventEmitter();
  const world = startWorld([], {
    outbox: {
      relay: async () => {
        tries += 1;
        asked.emit('asked');
        if (tries < 3) throw new AppError('STORE_UNAVAILABLE', 'gone');
        return 0;
      },
    },
  });
  ({ relay } = world);

  while (tries < 3) await once(asked, 'asked');

  expect(world.logged).toEqual(['outbox-relay-failing']);
});

test('stop waits for the page under way and then looks no more', async () => {
  const gate = new EventEmitter();
  let isMarked = false;
  const world = startWorld([cancel('a')], {
    crashPoint: async () => {
      await once(gate, 'open');
      isMarked = true;
    },
  });
  ({ relay } = world);
  await world.until(() => world.delivered.length > 0);

  const stopped = relay.stop();
  setImmediate(() => gate.emit('open'));
  await stopped;

  expect(isMarked).toBe(true);
});
