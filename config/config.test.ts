import { loadBuildConfig, loadConfig } from './config.ts';

const needed = {
  DATABASE_URL: 'postgres://localhost/ado',
  REDIS_URL: 'redis://localhost',
  TEMPORAL_ADDRESS: 'localhost:7233',
};
const build = { TEMPORAL_DEPLOYMENT_NAME: 'ado', TEMPORAL_WORKER_BUILD_ID: 'v7' };

test('a worker is of a build when both variables say so, and of none when neither does', () => {
  expect(loadConfig({ ...needed, ...build }).worker.build).toEqual({
    deploymentName: 'ado',
    buildId: 'v7',
  });
  expect(loadConfig(needed).worker.build).toBeUndefined();
});

test.each(Object.keys(build))('half a build, %s alone, is refused by name', (name) => {
  const half = { ...needed, [name]: 'x' };

  expect(() => loadConfig(half)).toThrow('TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID');
});

test('telling Temporal of a build takes no stores, but both variables', () => {
  const { TEMPORAL_ADDRESS } = needed;

  expect(loadBuildConfig({ TEMPORAL_ADDRESS, ...build, ADO_POOLS: 'agents' })).toMatchObject({
    temporal: { address: 'localhost:7233', namespace: 'default' },
    build: { deploymentName: 'ado', buildId: 'v7' },
    pools: ['agents'],
  });
  expect(() => loadBuildConfig({ TEMPORAL_ADDRESS })).toThrow('TEMPORAL_WORKER_BUILD_ID');
});
