// What the processes of ado are started with.
import { loadConfig } from '../../config/config.ts';
import { environmentSchema } from '../../config/environment.ts';
import { chartCases } from '../support/kube/chart-cases.ts';
import {
  objectNamed,
  renderChart,
  type RenderOptions,
  type Tree,
} from '../support/kube/rendered-chart.ts';
import {
  environmentOf,
  mainContainer,
  podOf,
  podsOf,
  type RenderedPod,
} from '../support/kube/rendered-pods.ts';
import schema from '../../helm/values.schema.json' with { type: 'json' };

const secret = { secrets: { existingSecret: 'ado-secrets' } };
/** Variables of the programs underneath: libpq, Node; and the password that stands in a URL. */
const others = ['PGPASSWORD', 'REDIS_PASSWORD', 'HOME', 'NODE_OPTIONS'];

describe('a process of ado', () => {
  test.each(chartCases)(
    'is given no variable that it does not read: %s',
    async (_name, options) => {
      const pods = podsOf(await renderChart(options)).filter(isProcess);

      const known = [...Object.keys(environmentSchema.shape), ...others, 'ANTHROPIC_API_KEY'];
      expect(pods.length).toBeGreaterThan(0);
      for (const pod of pods)
        expect(Object.keys(environmentOf(pod)).filter((name) => !known.includes(name))).toEqual([]);
    },
  );

  test.each(chartCases)('starts with what it is given: %s', async (_name, options) => {
    const objects = await renderChart(options);
    const { data } = objects.find(isConfig) as unknown as { data: Record<string, string> };

    for (const pod of podsOf(objects).filter(isProcess))
      expect(() => loadConfig({ ...data, ...environmentOf(pod) })).not.toThrow();
  });

  test('listens where its ports and probes say', async () => {
    const objects = await renderChart({ values: secret });

    for (const pod of podsOf(objects)
      .filter(isProcess)
      .filter(({ kind }) => kind !== 'Job')) {
      const config = loadConfig(environmentOf(pod));
      const ports = Object.fromEntries(
        (mainContainer(pod).ports ?? []).map(({ name, containerPort }) => [name, containerPort]),
      );
      const isApi = pod.owner === 'Deployment ado-api';

      expect(config.metrics).toEqual({ host: '0.0.0.0', port: ports['metrics'] });
      expect(config.temporalMetrics?.port).toBe(ports['sdk-metrics']);
      expect([config.api.host, config.api.port]).toEqual(
        isApi ? ['0.0.0.0', ports['http']] : ['127.0.0.1', 3000],
      );
    }
  });

  test('can be told every setting that the chart does not decide, and no other', async () => {
    const decided = podsOf(await renderChart({ values: { ...secret, ...everything } })).flatMap(
      (pod) => (isProcess(pod) ? Object.keys(environmentOf(pod)) : []),
    );
    /** Of the machine, of tests, or with a default that fits every pod. */
    const machine = ['XDG_DATA_HOME', 'XDG_CACHE_HOME', 'ADO_CACHE', 'PATH'];
    /** Credentials stand in no ConfigMap: a pool takes them from a secret, by `extraEnv`. */
    const credentials = ['ADO_GITHUB_TOKEN', 'ADO_GITLAB_TOKEN'];
    const never = [...machine, ...credentials, 'ADO_HOST_ID', 'ADO_CRASHPOINTS'];

    const open = Object.keys(environmentSchema.shape).filter(
      (name) => !decided.includes(name) && !never.includes(name),
    );
    expect(Object.keys(schema.properties.config.properties).sort()).toEqual(open.sort());
  });

  test('restarts when its settings or accounts change, and not when others do', async () => {
    const checksum = async (values: Tree): Promise<string | undefined> =>
      podOf(await renderChart({ values: { ...secret, ...values } }), 'Deployment ado-api')
        .annotations['checksum/config'];

    const [first, again, level, accounts] = await Promise.all([
      checksum({}),
      checksum({ temporal: { retention: '1h' } }),
      checksum({ config: { LOG_LEVEL: 'debug' } }),
      checksum(everything),
    ]);

    expect(again).toBe(first);
    expect(new Set([first, level, accounts]).size).toBe(3);
  });
});

test('the API takes changes unless it is told not to, as in the quarantine', async () => {
  const reads = async (options: RenderOptions): Promise<boolean> =>
    loadConfig(environmentOf(podOf(await renderChart(options), 'Deployment ado-api'))).api.readOnly;
  const quarantine = chartCases.find(([name]) => name === 'profiles/quarantine.yaml');

  expect(await reads({ values: secret })).toBe(false);
  expect(await reads({ values: { ...secret, api: { readOnly: true } } })).toBe(true);
  expect(await reads(quarantine?.[1] ?? {})).toBe(true);
});

describe('a worker', () => {
  test('gets the credentials of the accounts only when it calls models', async () => {
    const objects = await renderChart({ values: { ...secret, ...everything } });

    const withKey = podsOf(objects).filter((pod) => 'ANTHROPIC_API_KEY' in environmentOf(pod));
    expect(withKey.map(({ owner }) => owner)).toEqual(['Deployment ado-worker-models']);
    expect(environmentOf(withKey[0] as RenderedPod)['ANTHROPIC_API_KEY']).toBe(
      '<model-keys/ANTHROPIC_API_KEY>',
    );
  });

  test('has 20 s to end after the grace of its work', async () => {
    const workerPools = { agents: { terminationGracePeriodSeconds: 620 } };

    const pod = podOf(
      await renderChart({ values: { ...secret, workerPools } }),
      'Deployment ado-worker-agents',
    );

    expect(pod.spec['terminationGracePeriodSeconds']).toBe(620);
    expect(environmentOf(pod)['ADO_SHUTDOWN_GRACE_MS']).toBe('600000');
  });

  test('takes what its pool does not say from the defaults of all pools', async () => {
    const values = {
      ...secret,
      workerDefaults: { databasePoolSize: 7, pdb: { maxUnavailable: '10%' } },
      workerPools: { large: { pools: ['agents', 'models'], slots: 3, pdb: { minAvailable: 1 } } },
    };

    const objects = await renderChart({ values });
    const large = environmentOf(podOf(objects, 'Deployment ado-worker-large'));

    expect(large).toMatchObject({
      ADO_POOLS: 'agents,models',
      ADO_AGENT_SLOTS: '3',
      ADO_MODEL_SLOTS: '3',
      DATABASE_POOL_SIZE: '7',
    });
    const budget = (name: string): Tree => objectNamed(objects, 'PodDisruptionBudget', name).spec;
    expect(budget('ado-worker-large')).toMatchObject({ minAvailable: 1 });
    expect(budget('ado-worker-large')).not.toHaveProperty('maxUnavailable');
    expect(budget('ado-worker-agents')).toMatchObject({ maxUnavailable: '10%' });
  });

  test('is not there when its pool is taken out', async () => {
    const objects = await renderChart({ values: { ...secret, workerPools: { models: null } } });

    const names = objects.map((object) => object.metadata.name);
    expect(names).toContain('ado-worker-agents');
    expect(names).not.toContain('ado-worker-models');
  });
});

/** Everything that makes the chart set a variable. */
const everything = {
  tracing: { endpoint: 'http://collector:4318' },
  versioning: { enabled: true },
  providers: {
    existingSecret: 'model-keys',
    accounts: [
      {
        name: 'work',
        provider: 'anthropic',
        access: 'api',
        credential: { env: 'ANTHROPIC_API_KEY' },
      },
    ],
  },
};

function isProcess(pod: RenderedPod): boolean {
  return mainContainer(pod).args?.[1]?.startsWith('dist/') === true;
}

function isConfig(object: { readonly metadata: { readonly name: string } }): boolean {
  return (
    /-config$/.test(object.metadata.name) &&
    'data' in object &&
    'LOG_LEVEL' in (object.data as object)
  );
}
