import { AppError } from '../../contracts/errors.ts';
import type { PoolState } from '../../contracts/fleet.schema.ts';
import { createFleetGauges } from './fleet-gauges.ts';
import { createLogger } from './logger.ts';
import { createMetrics, metricDefinitions } from './metrics.ts';
import { startInternalServer } from './internal-server.ts';
import { modelMetricDefinitions } from './model-metrics.ts';
import { runInScope } from './scope.ts';

const aPool: PoolState = {
  name: 'agents',
  backlog: 7,
  backlogAgeSeconds: 1.5,
  pollers: 2,
  busySlots: 5,
  slotsPerWorker: 4,
  workers: 2,
  desired: 3,
};

describe('the logger', () => {
  test('writes one JSON object a line, without secrets', () => {
    const lines: string[] = [];
    const log = createLogger(
      { process: 'worker', level: 'info', secrets: ['hunter2-"quoted"'] },
      { write: (line) => lines.push(line) },
    );

    log.debug('not-written');
    log.info(
      { taskId: 'task-1', apiKey: 'ado_x', headers: { authorization: 'Bearer ado_x' } },
      'task-started',
    );

    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      process: 'worker',
      taskId: 'task-1',
      msg: 'task-started',
    });
    expect(lines[0]).not.toContain('ado_x');
  });

  test.each([
    ['one that the process was given', 'refused hunter2-"quoted" here', 'hunter2'],
    ['a key of ado', 'key ado_live_1a2b3c4d_0123456789abcdef', '0123456789abcdef'],
    ['a key of a provider', 'Incorrect API key provided: sk-proj-abcdef123456', 'abcdef123456'],
    ['a bearer token', 'authorization: Bearer abc.def-123', 'abc.def'],
    ['a password in a URL', 'connect to postgres://ado:s3cr3t@db:5432/ado', 's3cr3t'],
  ])('takes %s out of messages and stacks', (_what, message, secret) => {
    const lines: string[] = [];
    const log = createLogger(
      { process: 'worker', level: 'info', secrets: ['hunter2-"quoted"'] },
      { write: (line) => lines.push(line) },
    );

    log.error({ err: new Error(message), deep: { down: { detail: message } } }, 'failed');

    expect(lines[0]).not.toContain(secret);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'error', msg: 'failed' });
  });

  test('leaves ids, commits and addresses as they are', () => {
    const lines: string[] = [];
    const log = createLogger(
      { process: 'worker', level: 'info', secrets: [] },
      { write: (line) => lines.push(line) },
    );
    const fields = {
      taskId: 'task-0190a8c0-7b1d-7c3e-8f4a-1b2c3d4e5f60',
      commit: '0123456789abcdef0123456789abcdef01234567',
      url: 'http://127.0.0.1:3000/v1/tasks',
    };

    log.info(fields, 'told');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject(fields);
  });

  test('tells what a line is written for', async () => {
    const lines: string[] = [];
    const log = createLogger(
      { process: 'worker', level: 'info', secrets: [] },
      { write: (line) => lines.push(line) },
    );
    const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true };

    await runInScope({ ids: { taskId: 'task-1' }, span }, () =>
      runInScope({ ids: { attempt: 2 } }, async () => {
        await Promise.resolve();
        log.info({}, 'inside');
      }),
    );
    log.info({}, 'outside');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      taskId: 'task-1',
      attempt: 2,
      traceId: span.traceId,
      spanId: span.spanId,
    });
    expect(lines[1]).not.toContain('task-1');
  });

  test('writes an error whole, also under the name that Temporal gives it', () => {
    const lines: string[] = [];
    const log = createLogger(
      { process: 'worker', level: 'info', secrets: ['hunter2-"quoted"'] },
      { write: (line) => lines.push(line) },
    );

    log.warn({ error: new Error('it broke') }, 'temporal');

    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      error: { message: 'it broke', stack: expect.stringContaining('it broke') },
    });
  });
});

describe('the metrics', () => {
  test('every call sets its metric, in base units, and every metric of the table is set by a call', async () => {
    const metrics = createMetrics();
    metrics.taskEnded('failed');
    metrics.slotTaken(1_500);
    metrics.slotRefilled(8);
    metrics.stepFinished('gate', false, 2_000);
    metrics.priceMissing('cacheWrite1h');
    metrics.approvalMoved('cost', 'pending');
    metrics.egressDecided('not-listed');
    metrics.poolsSeen([aPool]);
    metrics.openTasksSeen({ pending: 3, longestWorkMs: 2_500 });
    metrics.httpAnswered('submitTask', 202, 20);
    metrics.outboxDelivered('start-task');
    metrics.sseClientsChanged(1);

    const { text } = await metrics.read();

    // Those of model calls have a test of their own.
    const names = Object.keys(metricDefinitions).filter(
      (name) => !(name in modelMetricDefinitions),
    );
    for (const name of names)
      expect(text).toMatch(new RegExp(`^${name}(_sum|_count)?(\\{[^}]*\\})? [0-9.]+$`, 'm'));
    expect(text).toContain('ado_tasks_total{status="failed"} 1');
    expect(text).toContain('ado_slot_wait_seconds_sum 1.5');
    expect(text).toContain('ado_steps_total{kind="gate",status="failed"} 1');
    expect(text).toContain(
      'ado_http_request_duration_seconds_count{method="post",route="submitTask",status="2xx"} 1',
    );
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });
});

test('the gauges of pools and open tasks go away when nobody knows them', async () => {
  const metrics = createMetrics();
  let isAway = false;
  const read = <T>(value: T) =>
    isAway ? Promise.reject(new AppError('ENGINE_UNAVAILABLE', 'away')) : Promise.resolve(value);
  const look = createFleetGauges({
    lookAtPools: () => read([aPool]),
    lookAtTasks: () => read({ pending: 3, longestWorkMs: 2_500 }),
    metrics,
  });

  const unasked = (await metrics.read()).text;
  await look();
  const seen = (await metrics.read()).text;
  isAway = true;
  await look();
  const away = (await metrics.read()).text;

  const figures = (text: string) =>
    text.match(/^ado_(pool|task_queue|pending|oldest)_.* .*$/gm) ?? [];
  expect(figures(unasked)).toEqual([]);
  expect(figures(seen)).toEqual([
    'ado_pending_tasks 3',
    'ado_oldest_running_task_seconds 2.5',
    'ado_task_queue_length{pool="agents"} 7',
    'ado_task_queue_backlog_age_seconds{pool="agents"} 1.5',
    'ado_task_queue_pollers{pool="agents"} 2',
    'ado_pool_busy_slots{pool="agents"} 5',
    'ado_pool_slots_per_worker{pool="agents"} 4',
    'ado_pool_workers{pool="agents"} 2',
    'ado_pool_desired_workers{pool="agents"} 3',
  ]);
  expect(figures(away)).toEqual([]);
});

describe('the internal port', () => {
  test('shows metrics, that the process lives, and whether it is ready', async () => {
    let ready = false;
    const server = await startInternalServer({
      host: '127.0.0.1',
      port: 0,
      metrics: createMetrics(),
      isReady: () => ready,
    });
    const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);

    const before = await get('/health/ready');
    ready = true;
    const after = await get('/health/ready');
    const [live, metrics, other] = [
      await get('/health/live'),
      await get('/metrics'),
      await get('/v1/tasks'),
    ];
    await server.close();

    expect([before, after, live, metrics, other].map(({ status }) => status)).toEqual([
      503, 200, 200, 200, 404,
    ]);
    expect(await metrics.text()).toContain('# HELP ado_tasks_total');
  });

  test('tells what a pool is scaled by, and says 503 when nobody knows', async () => {
    let isAway = false;
    const server = await startInternalServer({
      host: '127.0.0.1',
      port: 0,
      metrics: createMetrics(),
      isReady: () => true,
      lookAtPools: () =>
        isAway
          ? Promise.reject(new AppError('LIMITER_UNAVAILABLE', 'Redis is away'))
          : Promise.resolve([aPool]),
    });
    const get = async (name: string) => {
      const url = `http://127.0.0.1:${server.port}/internal/scaling/pools/${name}`;
      const response = await fetch(url);
      return [response.status, await response.text()] as const;
    };

    const [status, body] = await get('agents');
    const unknown = await get('agnets');
    isAway = true;
    const away = await get('agents');
    await server.close();

    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      backlog: 7,
      backlogAgeSeconds: 1.5,
      busySlots: 5,
      slotsPerWorker: 4,
      desired: 3,
    });
    expect(unknown).toEqual([404, 'no such pool; there are agents']);
    expect(away).toEqual([503, 'LIMITER_UNAVAILABLE: Redis is away']);
  });
});
