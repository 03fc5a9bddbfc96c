import { AppError } from '../../contracts/errors.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../../tests/support/otlp-receiver.ts';
import { createTracing } from './tracing.ts';

let collector: OtlpReceiver;
beforeAll(async () => {
  collector = await startOtlpReceiver();
});
afterAll(async () => collector.close());

const parent = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  sampled: true,
};
const tracingTo = (endpoint: string | undefined, ratio = 1) =>
  createTracing({ endpoint, ratio, process: 'worker', version: '1', instance: 'here/1' });
const spanNamed = (name: string) => collector.spans.find((span) => span.name === name);

test('work in a span is told with its parent, under the span around it', async () => {
  const tracing = tracingTo(`${collector.url}/`);

  const result = await tracing.inSpan({ name: 'outer', parent }, () =>
    tracing.inSpan({ name: 'inner' }, () => Promise.resolve('done')),
  );
  await tracing.close();

  expect(result).toBe('done');
  expect(spanNamed('outer')).toMatchObject({
    service: 'ado-worker',
    traceId: parent.traceId,
    parentSpanId: parent.spanId,
  });
  expect(spanNamed('inner')?.parentSpanId).toBe(spanNamed('outer')?.spanId);
});

test('a failure is told by its code, never by its message, and thrown on', async () => {
  const tracing = tracingTo(collector.url);
  const error = new AppError('MODEL_UNAVAILABLE', 'canary-message');

  const work = tracing.inSpan({ name: 'failing' }, () => Promise.reject(error));

  await expect(work).rejects.toBe(error);
  await tracing.close();
  expect(spanNamed('failing')).toMatchObject({
    failed: true,
    attributes: { 'error.type': 'MODEL_UNAVAILABLE' },
  });
  expect(collector.text()).not.toContain('canary-message');
});

test('of traces that begin here a part is kept; others are kept as they say', async () => {
  const tracing = tracingTo(collector.url, 0);

  const own = tracing.startSpan({ name: 'own' });
  own.end();
  tracing.startSpan({ name: 'under-kept', parent }).end();
  tracing.startSpan({ name: 'under-dropped', parent: { ...parent, sampled: false } }).end();
  await tracing.close();

  expect(own.context?.sampled).toBe(false);
  expect([spanNamed('own'), spanNamed('under-dropped')]).toEqual([undefined, undefined]);
  expect(spanNamed('under-kept')).toBeDefined();
});

test('a run keeps the ids that its activities know it by, and is the first of its trace without a parent', async () => {
  const tracing = tracingTo(collector.url, 0);
  const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true };
  const run = {
    workflowType: 'agentTask',
    workflowId: 'task-1',
    runId: 'run-1',
    startedAtMs: 1_000,
    endedAtMs: 3_500,
    end: 'completed',
    status: 'failed',
  } as const;

  tracing.runEnded({ ...run, span, link: parent });
  tracing.runEnded({ ...run, span: { ...span, sampled: false }, workflowType: 'notKept' });
  await tracing.close();

  expect(spanNamed('agentTask')).toMatchObject({
    traceId: span.traceId,
    spanId: span.spanId,
    links: [{ traceId: parent.traceId, spanId: parent.spanId }],
    startMs: 1_000,
    endMs: 3_500,
    failed: true,
  });
  expect(spanNamed('agentTask')?.parentSpanId ?? '').toBe('');
  expect(spanNamed('notKept')).toBeUndefined();
});

test('without an address work is done, and nothing is known of spans', async () => {
  const tracing = tracingTo(undefined);

  expect(tracing.startSpan({ name: 'none' }).context).toBeUndefined();
  await expect(tracing.inSpan({ name: 'none' }, () => Promise.resolve(7))).resolves.toBe(7);
});
