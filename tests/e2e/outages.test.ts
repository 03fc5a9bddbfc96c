// While a service is away, callers are told so at once and when to ask again; when it is back, so is everything.
import { startAdo, until } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { createTestDatabase } from '../support/database.ts';
import type { TestDatabase } from '../support/database.ts';
import { testService } from '../support/environment.ts';
import { startFaultProxy, throughPort } from '../support/faultproxy.ts';
import type { FaultProxy } from '../support/faultproxy.ts';
import { createTestNamespace } from '../support/namespace.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { makeRepository } from '../support/repositories.ts';
import { startTestRedis } from '../support/services/redis.ts';
import type { TestRedis } from '../support/services/redis.ts';
import { callerOf } from './call-ado.ts';

let ado: Ado;
let database: TestDatabase;
let redis: TestRedis;
let namespace: TestNamespace;
const proxies: { postgres?: FaultProxy; redis?: FaultProxy; temporal?: FaultProxy } = {};

beforeAll(async () => {
  [database, redis, namespace] = await Promise.all([
    createTestDatabase(),
    startTestRedis(),
    createTestNamespace(),
  ]);
  const temporalPort = Number(testService('temporalAddress').split(':')[1]);
  proxies.postgres = await startFaultProxy(Number(new URL(database.url).port));
  proxies.redis = await startFaultProxy(Number(new URL(redis.url).port));
  proxies.temporal = await startFaultProxy(temporalPort);
  ado = await startAdo({
    databaseUrl: throughPort(database.url, proxies.postgres.port),
    redisUrl: throughPort(redis.url, proxies.redis.port),
    temporal: { address: `127.0.0.1:${proxies.temporal.port}`, namespace: namespace.name },
  });
});
afterAll(async () => {
  await ado.stop();
  for (const proxy of Object.values(proxies)) await proxy.close();
  await Promise.all([namespace.close(), redis.stop(), database.drop()]);
});

async function get(
  path: string,
): Promise<{ status: number; retryAfter: string | null; code: unknown }> {
  const answer = await fetch(`${ado.url}${path}`, {
    headers: { authorization: `Bearer ${ado.apiKey}` },
  });
  const body = (await answer.json()) as { code?: unknown };
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), code: body.code };
}

async function isReady(): Promise<boolean> {
  return (await get('/health/ready')).status === 200;
}

const oneSecondOrMore = expect.stringMatching(/^[1-9]\d*$/);

test('without PostgreSQL every answer is 503 with Retry-After, and the command line ends with 69', async () => {
  await proxies.postgres?.setFault({ kind: 'down' });

  const [ready, list, end] = [
    await get('/health/ready'),
    await get('/v1/tasks'),
    await callerOf(ado).call('ps'),
  ];
  await proxies.postgres?.setFault({ kind: 'none' });

  const expected = { status: 503, retryAfter: oneSecondOrMore, code: 'STORE_UNAVAILABLE' };
  expect([ready, list]).toEqual([expected, expected]);
  expect(end).toMatchObject({ code: 69, stderr: expect.stringContaining('STORE_UNAVAILABLE') });
  await until('the API is ready again', isReady);
});

test.each([
  ['redis', 'LIMITER_UNAVAILABLE'],
  ['temporal', 'ENGINE_UNAVAILABLE'],
] as const)(
  'without %s the API says that it is not ready, accepts work all the same, and it is done later',
  async (service, code) => {
    await proxies[service]?.setFault({ kind: 'down' });

    const ready = await get('/health/ready');
    const work = {
      prompt: 'Later',
      agent: 'command',
      exec: 'echo x > x',
      repository: makeRepository(),
    } as const;
    const task = await ado.submitTask(work);
    await proxies[service]?.setFault({ kind: 'none' });
    await ado.ended(task.id, 40_000);

    expect(ready).toEqual({ status: 503, retryAfter: oneSecondOrMore, code });
    expect(await ado.getTask(task.id)).toMatchObject({ outcome: 'succeeded' });
    await until('the API is ready again', isReady);
  },
);
