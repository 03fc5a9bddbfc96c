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

test('values that nobody may read in logs are known by their names, and passwords by their place in URLs', () => {
  const { log } = loadConfig({
    ...needed,
    DATABASE_URL: 'postgres://ado:p%40ssword-of-db@db:5432/ado',
    REDIS_URL: 'redis://:100%-redis-password@redis:6379',
    OPENAI_API_KEY: 'sk-0123456789',
    GITHUB_TOKEN: 'ghp_0123456789',
    // Too short to be told from a word.
    MY_PASSWORD: 'postgres',
    ADO_HOME: '/var/lib/ado-data-folder',
  });

  expect([...log.secrets].sort()).toEqual([
    '100%-redis-password',
    'ghp_0123456789',
    'p%40ssword-of-db',
    'p@ssword-of-db',
    'sk-0123456789',
  ]);
});

test('every bad variable is told at once', () => {
  const bad = {
    ...needed,
    ADO_TEMPORAL_METRICS_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector',
  };

  expect(() => loadConfig({ ...bad, OTEL_TRACES_SAMPLER_ARG: '2' })).toThrow(
    /ADO_TEMPORAL_METRICS_PORT[^]*OTEL_EXPORTER_OTLP_ENDPOINT[^]*OTEL_TRACES_SAMPLER_ARG/,
  );
});

test('hosts with private addresses are names, each of them one', () => {
  const read = (text: string) =>
    loadConfig({ ...needed, ADO_EGRESS_PRIVATE_HOSTS: text }).egress.privateHosts;

  expect(loadConfig(needed).egress.privateHosts).toEqual([]);
  expect(read('npm.corp.example,pypi.corp.example')).toEqual([
    'npm.corp.example',
    'pypi.corp.example',
  ]);
  const bad = [
    '',
    'a.example,',
    '*.corp.example',
    'npm.corp.example:8081',
    'localhost',
    '10.0.0.1',
  ];
  for (const text of [...bad, 'a.example b.example', 'A.example', 'http://a.example', 'a.example.'])
    expect(() => read(text)).toThrow('ADO_EGRESS_PRIVATE_HOSTS');
});
