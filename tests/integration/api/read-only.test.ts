/**
 * A server that only shows what was done.
 *   - every route of the table either answers as ever or is refused before its body is read
 *   - what is refused has changed nothing
 *   - who may not ask is told that first
 */
import {
  changesSomething,
  routes,
  type Route,
  type RouteName,
} from '../../../contracts/http.schema.ts';
import { aBatch, aTask, keys, readProblem, startApi, type TestApi } from './api-world.ts';

let open: TestApi;
let api: TestApi;
let params: Readonly<Record<string, string>>;
beforeAll(async () => {
  open = await startApi();
  const { id: taskId } = await open.call('submitTask', { body: aTask() });
  const { id: batchId } = await open.call('submitBatch', { body: aBatch(['/repos/one']) });
  const approvalId = 'approval-01890000-0000-7000-8000-000000000000';
  params = { taskId, batchId, approvalId, account: 'work', provider: 'anthropic', model: 'm' };
  api = await startApi({ store: open.store, readOnly: true });
});
afterAll(async () => {
  await api.stop();
  await open.stop();
});

const all = Object.entries(routes) as [RouteName, Route][];
const changing = all.filter(([, route]) => changesSomething(route));
const reading = all.filter(([, route]) => !changesSomething(route));

/** As both servers know the work, through the one that takes changes. */
const seeWork = async () => [await open.call('listTasks'), await open.call('listBatches')];

test('the routes that are no reads by their method, and change nothing, are these', () => {
  const reads = reading.filter(([, { method }]) => method !== 'get');

  expect(reads.map(([name]) => name)).toEqual(['planBatch', 'testProvider']);
});

test.each(changing)('%s is refused, its body unread, and changes nothing', async (name) => {
  const before = await seeWork();

  const problem = await api.refuse(name, { params, body: '{'.repeat(2_000_000) });

  expect(problem).toMatchObject({ status: 409, code: 'READ_ONLY' });
  expect(problem.remedy).toContain('ado context list');
  expect(await seeWork()).toEqual(before);
  expect(api.relay.wakes).toBe(0);
});

test.each(reading)('%s answers as any server does', async (name, { body }) => {
  const sent = { params, ...(body === undefined ? {} : { body: aBatch(['/repos/one']) }) };

  const [ours, theirs] = await Promise.all([api.send(name, sent), open.send(name, sent)]);
  await Promise.all([ours.body?.cancel(), theirs.body?.cancel()]);

  expect(ours.status).toBe(theirs.status);
});

test('a key that could not change anything anywhere is told so', async () => {
  const response = await api.send('submitTask', { key: keys.viewer, body: aTask() });

  expect(await readProblem(response)).toMatchObject({ status: 403, code: 'SCOPE_MISSING' });
});
