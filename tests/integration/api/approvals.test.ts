/**
 * A person answers a task over HTTP, on a real PostgreSQL.
 *   - the question is listed with all that is needed to decide it
 *   - an answer wakes the relay and those who watch; the same again does neither
 *   - a viewer may look and not decide; a stranger sees nothing
 *   - what cannot be decided any more is 409, what is not there 404
 */
import type { Actor, Fence } from '../../../adapters/ports.ts';
import { roleScopes } from '../../../contracts/http.schema.ts';
import { aKey, createPostgresWorld, type PostgresWorld } from '../postgres/postgres-world.ts';
import { ask, asked } from '../postgres/question.ts';
import { startApi, type TestApi } from './api-world.ts';

const unknownId = 'approval-01890000-0000-7000-8000-000000000000';

let postgres: PostgresWorld;
let api: TestApi;
let actor: Actor;
let fence: Fence;
let approvalId: string;
let keyOf: Record<'viewer' | 'operator' | 'stranger', string>;
const moves: string[] = [];
let published: number;

beforeAll(async () => {
  postgres = await createPostgresWorld();
  api = await startApi({
    store: postgres.store,
    approvals: postgres.approvals,
    keys: postgres.keys,
    metrics: {
      httpAnswered: () => undefined,
      sseClientsChanged: () => undefined,
      approvalMoved: (kind, move) => void moves.push(`${kind} ${move}`),
    },
  });
});
afterAll(async () => {
  await api.stop();
  await postgres.close();
});
beforeEach(async () => {
  actor = await postgres.aTenant();
  const stranger = await postgres.aTenant();
  const make = async (tenantId: string, role: keyof typeof roleScopes): Promise<string> => {
    const key = aKey();
    await postgres.keys.ensureKey(tenantId, 'test', key, roleScopes[role]);
    return key;
  };
  keyOf = {
    viewer: await make(actor.tenantId, 'viewer'),
    operator: await make(actor.tenantId, 'operator'),
    stranger: await make(stranger.tenantId, 'admin'),
  };
  fence = await postgres.aRunningTask(actor);
  approvalId = (await ask(postgres, asked(fence))).approval.id;
  moves.length = 0;
  api.relay.wakes = 0;
  published = api.live.published.length;
});

const approve = { decision: 'approve', reason: 'worth it' } as const;

test('the question is listed and shown to everybody of the tenant', async () => {
  const params = { approvalId };
  const query = { status: 'pending', taskId: fence.ref.taskId };

  const { items } = await api.call('listApprovals', { key: keyOf.viewer, query });
  const shown = await api.call('getApproval', { key: keyOf.viewer, params });

  expect(items).toEqual([shown]);
  expect(shown).toMatchObject({
    id: approvalId,
    status: 'pending',
    facts: { spentMicroUsd: 900_000, limitMicroUsd: 5_000_000 },
  });
});

test('an answer lets the task go on, wakes the relay and tells who watches', async () => {
  const sent = { key: keyOf.operator, params: { approvalId }, body: approve };

  const decided = await api.call('decideApproval', sent);

  expect(decided).toMatchObject({ status: 'approved', reason: 'worth it' });
  const task = await api.call('getTask', {
    key: keyOf.viewer,
    params: { taskId: fence.ref.taskId },
  });
  expect(task.status).toBe('running');
  expect(api.relay.wakes).toBe(1);
  expect(api.live.published.slice(published)).toContainEqual({
    kind: 'events',
    streamId: fence.ref.taskId,
  });
  expect(moves).toEqual(['cost approved']);
});

test('the same answer again answers the record, and wakes nobody', async () => {
  const sent = { key: keyOf.operator, params: { approvalId }, body: approve };
  const first = await api.call('decideApproval', sent);

  const again = await api.call('decideApproval', { ...sent, body: { decision: 'approve' } });

  expect(again).toEqual(first);
  expect([api.relay.wakes, moves.length]).toEqual([1, 1]);
});

test('another answer is refused with 409', async () => {
  const sent = { key: keyOf.operator, params: { approvalId } };
  await api.call('decideApproval', { ...sent, body: approve });

  const problem = await api.refuse('decideApproval', { ...sent, body: { decision: 'reject' } });

  expect(problem).toMatchObject({ status: 409, code: 'APPROVAL_DECIDED' });
});

test('a viewer may not decide', async () => {
  const sent = { key: keyOf.viewer, params: { approvalId }, body: approve };

  const problem = await api.refuse('decideApproval', sent);

  expect(problem).toMatchObject({ status: 403, code: 'SCOPE_MISSING' });
  expect((await postgres.approvals.getApproval(actor, approvalId)).status).toBe('pending');
});

test.each([
  ['of another tenant', () => ({ key: keyOf.stranger, params: { approvalId } })],
  ['that nobody has', () => ({ key: keyOf.operator, params: { approvalId: unknownId } })],
  ['that is no id', () => ({ key: keyOf.operator, params: { approvalId: 'approval-1' } })],
])('an approval %s is not found', async (_which, sentOf) => {
  const sent = sentOf();

  const looked = await api.refuse('getApproval', sent);
  const decided = await api.refuse('decideApproval', { ...sent, body: approve });

  expect([looked, decided]).toMatchObject([
    { status: 404, code: 'APPROVAL_NOT_FOUND' },
    { status: 404, code: 'APPROVAL_NOT_FOUND' },
  ]);
});

test('a decision that is none is refused before anything is asked of the store', async () => {
  const params = { approvalId };
  const body = { decision: 'maybe', confirm: true };

  const problem = await api.refuse('decideApproval', { key: keyOf.operator, params, body });

  expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
});
