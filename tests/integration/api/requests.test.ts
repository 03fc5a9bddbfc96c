/**
 * What holds for every request: who may ask, what is refused and how it is said.
 *   - no answer but a problem document says no, and none carries a stack
 *   - the tenant comes from the key alone
 *   - no answer lacks the security headers
 */
import { AppError, type ErrorCode } from '../../../contracts/errors.ts';
import { roleScopes, routes, type Route, type RouteName } from '../../../contracts/http.schema.ts';
import { aTask, keys, readProblem, startApi, type TestApi } from './api-world.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

const params = {
  taskId: 'task-01890000-0000-7000-8000-000000000000',
  batchId: 'batch-01890000-0000-7000-8000-000000000000',
  approvalId: 'approval-01890000-0000-7000-8000-000000000000',
  account: 'work',
  provider: 'anthropic',
  model: 'm',
};
const closedRoutes = (Object.entries(routes) as [RouteName, Route][]).filter(
  ([, route]) => route.scope !== undefined,
);

/** Fills the parameters that a path may have. */
const paramsOf = (route: Route): Record<string, string> =>
  Object.fromEntries(Object.entries(params).filter(([name]) => route.path.includes(`:${name}`)));

describe('keys', () => {
  test.each(closedRoutes)('%s needs one, and a valid one', async (name, route) => {
    for (const [key, code] of [
      [undefined, 'KEY_MISSING'],
      ['ado_test_nobody', 'KEY_INVALID'],
      ['x', 'KEY_INVALID'],
    ] as const) {
      const response = await api.send(name, { key, params: paramsOf(route) });
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="ado"');
      expect(await readProblem(response)).toMatchObject({ status: 401, code });
    }
  });

  test.each(closedRoutes)(
    '%s is refused to a viewer unless reading is enough',
    async (name, route) => {
      const response = await api.send(name, { key: keys.viewer, params: paramsOf(route) });

      const mayAsk = roleScopes.viewer.some((scope) => scope === route.scope);
      expect(response.status === 403).toBe(!mayAsk);
      if (!mayAsk) expect(await readProblem(response)).toMatchObject({ code: 'SCOPE_MISSING' });
      else await response.body?.cancel();
    },
  );

  test('a body is not read for who may not send it', async () => {
    const problem = await api.refuse('submitTask', {
      key: keys.viewer,
      body: '{'.repeat(2_000_000),
    });

    expect(problem.code).toBe('SCOPE_MISSING');
  });

  test('the key in use is shown without its secret', async () => {
    const key = await api.call('whoAmI', { key: keys.viewer });

    expect(key).toMatchObject({ keyId: 'viewer', scopes: ['tasks:read'] });
  });
});

describe('a request is refused', () => {
  const submitRaw = (body: string, headers: Record<string, string> = {}) =>
    api.refuse('submitTask', { body, headers });

  test.each([
    ['{"prompt": "x", }', /position 16/],
    ['{"prompt": hello}', /"h" at position 11/],
    ['{"prompt": "x"', /position 14/],
    ['nonsense', /position 1/],
  ])('with the position where %s stops being JSON', async (body, place) => {
    expect(await submitRaw(body)).toMatchObject({
      status: 400,
      code: 'INVALID_REQUEST',
      detail: expect.stringMatching(place),
    });
  });

  test('with every field that does not fit, each by its path', async () => {
    const problem = await api.refuse('submitTask', {
      body: {
        ...aTask({ gates: [{ name: 'A B', command: '' }] }),
        prompt: ' ',
        tenantId: 'x',
        cost: 1,
      },
    });

    expect(problem.problems?.map(({ path }) => path).sort()).toEqual([
      'cost',
      'gates.0.command',
      'gates.0.name',
      'prompt',
      'tenantId',
    ]);
  });

  test('with the names of unknown query parameters, on routes without any too', async () => {
    const list = await api.refuse('listTasks', { query: { stauts: 'failed' } });
    const key = await api.refuse('whoAmI', { query: { verbose: '1' } });

    expect([list.problems?.[0]?.path, key.problems?.[0]?.path]).toEqual(['stauts', 'verbose']);
  });

  test('when its body is over 1 MB', async () => {
    expect(await submitRaw(JSON.stringify(aTask({ prompt: 'x'.repeat(1_100_000) })))).toMatchObject(
      {
        status: 413,
        code: 'BODY_TOO_LARGE',
      },
    );
  });

  test('when its body is not JSON by its own word', async () => {
    const problem = await submitRaw('prompt=x', {
      'content-type': 'application/x-www-form-urlencoded',
    });

    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
    expect(problem.detail).toContain('application/json');
  });

  test('when its body is in an encoding or charset that nobody reads', async () => {
    const encoded = await submitRaw('{}', { 'content-encoding': 'zip' });
    const charset = await submitRaw('{}', { 'content-type': 'application/json; charset=klingon' });

    expect([encoded.code, charset.code]).toEqual(['INVALID_REQUEST', 'INVALID_REQUEST']);
  });

  test('when no route has its path or method', async () => {
    const headers = { authorization: `Bearer ${keys.admin}` };
    for (const [method, path] of [
      ['GET', '/v2/tasks'],
      ['DELETE', '/v1/tasks'],
      ['GET', '/'],
    ] as const) {
      const problem = await readProblem(await fetch(api.url + path, { method, headers }));
      expect(problem).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' });
    }
  });

  test('when its path is not a URL path', async () => {
    const problem = await api.refuse('getTask', { params: { taskId: '%ff' } });

    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
  });

  test('when a list is asked for with a limit that is none', async () => {
    for (const limit of ['0', '501', 'x']) {
      expect((await api.refuse('listTasks', { query: { limit } })).problems?.[0]?.path).toBe(
        'limit',
      );
    }
  });
});

describe('failures', () => {
  const failing = async (error: Error) => {
    await api.stop();
    api = await startApi({
      keys: { findActor: () => Promise.reject(error), ensureKey: async () => undefined },
    });
    return api.send('listTasks');
  };

  test('a defect is logged once with its stack and shown without any of it', async () => {
    const response = await failing(new Error('secret detail at /home/somebody'));

    const text = await response.clone().text();
    expect(await readProblem(response)).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(text).not.toMatch(/secret|home|\bat /);
    expect(api.logged).toHaveLength(1);
    expect(api.logged[0]).toMatchObject({ level: 'error', fields: { err: expect.any(Error) } });
  });

  test.each(['STORE_UNAVAILABLE', 'LIMITER_UNAVAILABLE', 'ENGINE_UNAVAILABLE'] as ErrorCode[])(
    '%s answers 503 and says when to try again',
    async (code) => {
      const response = await failing(new AppError(code, 'gone', { retryAfterMs: 1_200 }));

      expect(response.headers.get('retry-after')).toBe('2');
      expect(await readProblem(response)).toMatchObject({ status: 503, code });
    },
  );
});

describe('every answer', () => {
  test('carries the id of its request, the caller’s own when it is a plain word', async () => {
    const own = await api.send('healthLive', { headers: { 'x-request-id': 'abc-1' } });
    const wild = await api.send('healthLive', { headers: { 'x-request-id': 'a b;c' } });

    expect(own.headers.get('x-request-id')).toBe('abc-1');
    expect(wild.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('tells browsers to run and load nothing foreign, and names no software', async () => {
    for (const path of ['/docs', '/openapi.json', '/health/live', '/v1/tasks', '/nowhere']) {
      const { headers } = await fetch(api.url + path);
      expect(headers.get('content-security-policy')).toMatch(
        /default-src 'none'.*script-src 'self'/,
      );
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|http/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('strict-transport-security')).not.toBeNull();
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });
});

describe('health', () => {
  test('is alive under both names without a key', async () => {
    for (const path of ['/health', '/health/live']) {
      expect(await (await fetch(api.url + path)).json()).toEqual({ status: 'ok' });
    }
  });

  test('is not ready, under both names, while a service is gone', async () => {
    await api.stop();
    api = await startApi({
      dependencies: [
        { code: 'STORE_UNAVAILABLE', isReady: async () => true },
        { code: 'LIMITER_UNAVAILABLE', isReady: async () => false },
      ],
    });

    for (const path of ['/ready', '/health/ready']) {
      const problem = await readProblem(await fetch(api.url + path));
      expect(problem).toMatchObject({ status: 503, code: 'LIMITER_UNAVAILABLE' });
    }
  });
});

describe('the documentation page', () => {
  test('loads everything from its own origin, and runs no inline script', async () => {
    const html = await (await fetch(`${api.url}/docs`)).text();

    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(
      ([, address]) => address ?? '',
    );
    expect(addresses).toHaveLength(4);
    for (const address of addresses) {
      const response = await fetch(new URL(address, api.url));
      expect([address, response.status]).toEqual([expect.stringMatching(/^\/docs\//), 200]);
      expect(await response.text()).not.toBe('');
    }
    expect(html).not.toMatch(/<script>|<style|style=|onload/);
  });

  test('shows the document of the routes that are served', async () => {
    const document = (await (await fetch(`${api.url}/openapi.json`)).json()) as { paths: object };

    expect(Object.keys(document.paths)).toContain('/v1/tasks/{taskId}');
  });
});
