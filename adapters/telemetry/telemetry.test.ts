import { createLogger } from './logger.ts';
import { createMetrics, metricDefinitions } from './metrics.ts';
import { startInternalServer } from './internal-server.ts';
import { modelMetricDefinitions } from './model-metrics.ts';

describe('the logger', () => {
  test('writes one JSON object a line, without secrets', () => {
    const lines: string[] = [];
    const log = createLogger(
      { process: 'worker', level: 'info' },
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

  test('writes an error whole, also under the name that Temporal gives it', () => {
    const lines: string[] = [];
    const log = createLogger(
      { process: 'worker', level: 'info' },
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
    metrics.queueMeasured('agents', 7);
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
});
