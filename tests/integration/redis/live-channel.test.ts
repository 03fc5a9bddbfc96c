// Signals between processes through Redis: best effort, and never the caller's problem.
import { createLiveChannel } from '../../../adapters/redis/live-channel.ts';
import { testService } from '../../support/environment.ts';
import { aTenant, openRedisWorld, type RedisPeer, type RedisWorld } from './redis-world.ts';

describe('the live channel', () => {
  let world: RedisWorld;
  let here: RedisPeer;
  let there: RedisPeer;
  beforeAll(async () => {
    world = openRedisWorld(testService('redisUrl'));
    [here, there] = [await world.peer(), await world.peer()];
  });
  afterAll(() => world.close());

  const channelOf = (peer: RedisPeer) => createLiveChannel(peer.redis, peer.subscriptions);

  test('a message reaches every listener of its topic in other processes, and no other topic', async () => {
    const taskId = aTenant();
    const heard: string[] = [];
    const live = channelOf(there);
    const first = received(heard, 'first ');
    const second = received(heard, 'second ');
    await live.subscribe({ kind: 'delta', taskId }, first.listener);
    await live.subscribe({ kind: 'delta', taskId }, second.listener);
    await live.subscribe({ kind: 'cancel', taskId }, received(heard, 'cancel ').listener);

    channelOf(here).publish({ kind: 'delta', taskId }, 'text');
    await Promise.all([first.called, second.called]);

    expect(heard).toEqual(['first text', 'second text']);
  });

  test('the channel is subscribed until its last listener has gone', async () => {
    const streamId = aTenant();
    const live = channelOf(there);
    const counted = async (): Promise<unknown> =>
      (await world.raw.pubsub('NUMSUB', `ado:live:events:${streamId}`))[1];
    const [leaveFirst, leaveSecond] = [
      await live.subscribe({ kind: 'events', streamId }, () => undefined),
      await live.subscribe({ kind: 'events', streamId }, () => undefined),
    ];

    leaveFirst();
    await there.subscriber.ping();
    expect(await counted()).toBe(1);

    leaveSecond();
    leaveSecond();
    await there.subscriber.ping();
    expect(await counted()).toBe(0);
  });

  test('a listener hears on after its connection was lost', async () => {
    const taskId = aTenant();
    const message = received([], '');
    await channelOf(there).subscribe({ kind: 'cancel', taskId }, message.listener);

    const back = new Promise((resolve) => there.subscriber.once('ready', resolve));
    await world.raw.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await back;
    await there.subscriber.ping();
    channelOf(here).publish({ kind: 'cancel', taskId });

    await message.called;
  });

  test('neither publish nor subscribe fails while Redis is away', async () => {
    const { redis, subscriber, subscriptions } = await world.peer();
    const live = createLiveChannel(redis, subscriptions);
    redis.disconnect();
    subscriber.disconnect();

    live.publish({ kind: 'events', streamId: 'none' });
    const leave = await live.subscribe({ kind: 'events', streamId: 'none' }, () => undefined);

    leave();
  });
});

/** A listener that notes what it hears, and a promise of its first call. */
function received(
  into: string[],
  prefix: string,
): { listener: (payload: string) => void; called: Promise<void> } {
  let resolve = (): void => undefined;
  const called = new Promise<void>((done) => {
    resolve = done;
  });
  return {
    called,
    listener(payload) {
      into.push(prefix + payload);
      resolve();
    },
  };
}
