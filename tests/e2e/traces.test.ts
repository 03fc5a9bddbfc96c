// Traces of real processes, as a collector gets them.
//   - a task is one trace, from the request to the model call and the tool, with tokens and cost
//   - every span has a parent that came too, and each is handed on without a gap
//   - an item of a batch has a trace of its own, under the task's id, that points at the batch's
//   - nothing of prompts, answers and keys is in it
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSharedAdo, until, type Ado } from '../support/ado-platform.ts';
import {
  startOtlpReceiver,
  type OtlpReceiver,
  type ReceivedSpan,
} from '../support/otlp-receiver.ts';
import { makeRepository } from '../support/repositories.ts';

let ado: Ado;
let collector: OtlpReceiver;
beforeAll(async () => {
  collector = await startOtlpReceiver();
  ado = await startSharedAdo({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200' },
  });
});
afterAll(async () => {
  await ado.stop();
  await collector.close();
});

const promptCanary = 'canary-prompt-5b1f';
const answerCanary = 'canary-answer-77aa';

function scriptedModel(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-script-')), 'script.yaml');
  const yaml = `
    price: { inputMicroUsd: 3000000, outputMicroUsd: 15000000 }
    answers:
      - text: ${answerCanary}
        toolCalls: [{ tool: read_file, input: { path: README.md } }]
        usage: { inputTokens: 1000, outputTokens: 100 }
      - text: Done.
        usage: { inputTokens: 1000, outputTokens: 100 }
  `;
  writeFileSync(file, yaml);
  return `scripted:${file}`;
}

const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

/** Submits as a caller that traces. */
async function submitTraced(): Promise<string> {
  const answer = await fetch(`${ado.url}/v1/tasks`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${ado.apiKey}`,
      'content-type': 'application/json',
      traceparent: `00-${caller.traceId}-${caller.spanId}-01`,
    },
    body: JSON.stringify({
      prompt: promptCanary,
      agent: 'builtin',
      model: scriptedModel(),
      gates: [{ name: 'there', command: 'test -f README.md' }],
      repository: makeRepository(),
    }),
  });
  return ((await answer.json()) as { id: string }).id;
}

function find(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.find((span) => span.name === name);
  if (found === undefined)
    throw new Error(`no ${name} in ${spans.map((one) => one.name).join(', ')}`);
  return found;
}

/** Names from a span up to the first of its trace that is ours. */
function lineage(spans: readonly ReceivedSpan[], span: ReceivedSpan): string[] {
  const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
  return parent === undefined ? [span.name] : [span.name, ...lineage(spans, parent)];
}

test('a task is one trace, from the request of a caller to its model calls, tools and gates', async () => {
  const taskId = await submitTraced();
  await ado.ended(taskId);
  const ofTrace = () => collector.spans.filter(({ traceId }) => traceId === caller.traceId);
  await until('the run is told', () => ofTrace().some(({ name }) => name === 'agentTask'), 30_000);
  const spans = ofTrace();

  const known = new Set([caller.spanId, ...spans.map(({ spanId }) => spanId)]);
  expect(spans.filter(({ parentSpanId = '' }) => !known.has(parentSpanId))).toEqual([]);
  const line = ['takeTurn', 'agentTask', 'deliver start-task', 'POST /v1/tasks'];
  const [chat, tool, gate] = ['chat scripted', 'execute_tool read_file', 'gate'].map((name) =>
    find(spans, name),
  );
  for (const span of [chat, tool, gate])
    expect(span && lineage(spans, span)).toEqual([span?.name, ...line]);
  expect(chat?.attributes).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.usage.input_tokens': 1_000,
    'gen_ai.usage.output_tokens': 100,
    'ado.cost_usd': 0.0045,
  });
  expect(find(spans, 'agentTask').attributes).toMatchObject({
    'temporal.workflow.id': taskId,
    'ado.task.status': 'succeeded',
  });
  expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['ado-api', 'ado-worker']));
  expect(spans.every(({ startMs, endMs }) => startMs <= endMs)).toBe(true);
});

test('an item of a batch has a trace of its own, that points at the one of the batch', async () => {
  const { id: batchId } = await ado.submitBatch({
    prompt: promptCanary,
    agent: 'command',
    exec: 'exit 3',
    items: [{ repository: makeRepository() }],
    parallel: 1,
  });
  await ado.ended(batchId);
  const [item] = await ado.listItems(batchId);
  const traceId = item?.id.replace('task-', '').replaceAll('-', '');
  const isTold = (name: string) => collector.spans.some((span) => span.name === name);
  const ofItem = () => collector.spans.filter((span) => span.traceId === traceId);
  await until('both runs are told', () => isTold('agentBatch') && ofItem().length > 1, 30_000);

  const batch = find(collector.spans, 'agentBatch');
  const run = find(ofItem(), 'agentTask');
  expect(run.parentSpanId ?? '').toBe('');
  expect(run.links).toMatchObject([{ traceId: batch.traceId, spanId: batch.spanId }]);
  expect(run).toMatchObject({ failed: true, attributes: { 'ado.task.status': 'failed' } });
  expect(lineage(ofItem(), find(ofItem(), 'command'))).toEqual([
    'command',
    'performCommandTask',
    'agentTask',
  ]);
});

test('no text of a person or a model is in a span, and no key', () => {
  const text = collector.text();

  expect(text).toContain('takeTurn');
  for (const canary of [promptCanary, answerCanary, ado.apiKey]) expect(text).not.toContain(canary);
});
