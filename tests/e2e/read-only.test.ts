// A server that only shows what was done, beside one that takes work.
//   - it starts and answers every read over a database that takes no writes
//   - it makes no key, and says of what it refuses why and what to do
import { createLocalApiKey } from '../../cli/dev/home.ts';
import {
  changesSomething,
  routes,
  type Route,
  type RouteName,
} from '../../contracts/http.schema.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado, AdoProcess } from '../support/ado-platform.ts';
import { makeRepository } from '../support/repositories.ts';
import { callerOf } from './call-ado.ts';

const ownKey = createLocalApiKey();
let ado: Ado;
let shown: AdoProcess;
let batchId: string;
let body: { readonly items: { readonly repository: string }[]; readonly [name: string]: unknown };
beforeAll(async () => {
  ado = await startSharedAdo();
  const items = [{ repository: makeRepository() }];
  const work = { prompt: 'Leave a file', agent: 'command', exec: 'echo x > x', items } as const;
  body = work;
  ({ id: batchId } = await ado.submitBatch({ ...work, items }));
  await ado.ended(batchId);
  const database = new URL(ado.databaseUrl);
  database.searchParams.set('options', '-c default_transaction_read_only=on');
  shown = await ado.addApi({
    ADO_API_READ_ONLY: 'true',
    ADO_BOOTSTRAP_API_KEY: ownKey,
    DATABASE_URL: database.href,
  });
});
afterAll(async () => ado.stop());

test('every read is answered, and nothing that the server does by itself writes', async () => {
  const [item] = await ado.listItems(batchId);
  const approvalId = 'approval-01890000-0000-7000-8000-000000000000';
  const ids = { taskId: item?.id, batchId, approvalId, account: 'work' };
  const params: Readonly<Record<string, string | undefined>> = {
    ...ids,
    provider: 'anthropic',
    model: 'm',
  };
  const answer = async ([name, { method, path, body: schema }]: [RouteName, Route]) => {
    const { status } = await fetch(
      shown.url + path.replace(/:(\w+)/g, (_place, param: string) => params[param] ?? ''),
      {
        method,
        headers: { authorization: `Bearer ${ado.apiKey}`, 'content-type': 'application/json' },
        ...(schema === undefined ? {} : { body: JSON.stringify(body) }),
      },
    );
    return [name, status] as const;
  };
  const reads = (Object.entries(routes) as [RouteName, Route][]).filter(
    ([, route]) => !changesSomething(route),
  );

  const answers = await Promise.all(reads.map(answer));

  const absent = ['getApproval', 'testProvider'];
  for (const [name, status] of answers)
    expect([name, status]).toEqual([name, absent.includes(name) ? 404 : 200]);
  expect(complaints(shown.log())).toEqual([]);
});

/** What went wrong with no request: those say so in their answers, and early probes find no Redis yet. */
function complaints(log: string): string[] {
  const lines = log.split('\n').filter((line) => line !== '');
  return lines.filter((line) => {
    const { level, requestId } = JSON.parse(line) as { level: string; requestId?: string };
    return level !== 'info' && requestId === undefined;
  });
}

test('its own key is not made', async () => {
  const { code, stderr } = await callerOf({ url: shown.url, apiKey: ownKey }).call('ps');

  expect([code, stderr]).toEqual([4, expect.stringContaining('KEY_INVALID')]);
});

test('the command line shows what was done, and says why nothing can be changed', async () => {
  const caller = callerOf({ url: shown.url, apiKey: ado.apiKey });
  const target = ['--repo', body.items[0]?.repository ?? '', '--exec', 'true'];

  const ends = await Promise.all([
    caller.call('batch', 'show', batchId, '-o', 'json'),
    caller.call('plan', 'Leave a file', ...target),
    caller.call('run', 'Leave a file', ...target, '--detach'),
    caller.call('batch', 'cancel', batchId),
  ]);

  expect(ends.map(({ code }) => code)).toEqual([0, 0, 6, 6]);
  expect(JSON.parse(ends[0].stdout)).toMatchObject({ id: batchId, status: 'succeeded' });
  for (const { stderr } of ends.slice(2)) {
    expect(stderr).toContain('READ_ONLY');
    expect(stderr).toContain('ado context list');
  }
});
