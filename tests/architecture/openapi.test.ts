/** The API's description is what is served. */
import packageJson from '../../package.json' with { type: 'json' };
import { buildOpenApi } from '../../api/openapi.ts';
import { routes, type Route } from '../../contracts/http.schema.ts';

test('every route of the table is described with its scope, its errors and nothing more', () => {
  const { paths } = buildOpenApi(packageJson.version);
  const described = Object.entries(paths ?? {}).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method} ${path}`),
  );

  const served = Object.values(routes).map(
    ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
  );
  expect(described.sort()).toEqual(served.sort());
  for (const { path, method, scope, status } of Object.values<Route>(routes)) {
    const operation = paths?.[path.replace(/:(\w+)/g, '{$1}')]?.[method];
    expect(operation?.security).toEqual(scope === undefined ? [] : [{ key: [] }]);
    expect(Object.keys(operation?.responses ?? {})).toEqual(
      expect.arrayContaining([
        String(status),
        '400',
        '500',
        ...(scope === undefined ? [] : ['401', '403']),
      ]),
    );
  }
});
