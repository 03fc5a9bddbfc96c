// Settings that cannot work are refused before anything is installed, by a message that names the key.
import { tryRender, type Tree } from '../support/kube/rendered-chart.ts';

/** What a set of values is refused with: the words of the message, the key among them. */
const refused: readonly (readonly [values: Tree, words: readonly string[]])[] = [
  // Misspelt
  [{ workerPool: { agents: {} } }, ["'workerPool'", 'not allowed']],
  [{ workerPools: { agents: { replica: 3 } } }, ['/workerPools/agents/replica']],
  [{ workerPools: { agents: { autoscaling: { maximum: 3 } } } }, ["'maximum'", 'not allowed']],
  [{ workerDefaults: { grace: 3 } }, ['/workerDefaults/grace']],
  [{ api: { podLabel: { a: 'b' } } }, ['/api/podLabel']],
  [{ postgresql: { host: 'db' } }, ["'host'", '/postgresql']],
  [{ redis: { url: 'redis://r' } }, ["'url'", '/redis']],
  [{ temporal: { server: { replica: 1 } } }, ['/temporal/server/replica']],
  [{ temporal: { roles: { internal: { replicas: 1 } } } }, ["'internal'", '/temporal/roles']],
  [{ secrets: { ANTHROPIC_API_KEY: 'sk' } }, ["'ANTHROPIC_API_KEY'", '/secrets']],
  [{ config: { ADO_MAX_DAILY_COST: 1 } }, ["'ADO_MAX_DAILY_COST'", '/config']],
  [{ config: { DATABASE_URL: 'postgres://x' } }, ["'DATABASE_URL'", '/config']],
  [{ networkPolicy: { gateway: 'g' } }, ["'gateway'", '/networkPolicy']],
  // Of the wrong kind
  [{ workerPools: { agents: { replicas: -1 } } }, ['/workerPools/agents/replicas', 'minimum']],
  [{ workerPools: { agents: { replicas: '3' } } }, ['/workerPools/agents/replicas', 'integer']],
  [{ workerPools: { agents: { slots: 0 } } }, ['/workerPools/agents/slots', 'minimum']],
  [{ workerPools: { agents: { pools: ['tools'] } } }, ['/workerPools/agents/pools/0', "'agents'"]],
  [{ workerPools: { agents: { pools: [] } } }, ['/workerPools/agents/pools', 'minItems']],
  [{ workerPools: { Agents: { pools: ['agents'] } } }, ["'Agents'", 'pattern']],
  [{ workerPools: { ['a'.repeat(31)]: { pools: ['agents'] } } }, ['maxLength']],
  [{ workerPools: [{ name: 'agents' }] }, ['/workerPools', 'object']],
  [
    { workerPools: { agents: { autoscaling: { mode: 'hpa' } } } },
    ['/workerPools/agents/autoscaling/mode', "'keda'"],
  ],
  [
    { workerPools: { agents: { autoscaling: { busySlots: { ratio: 80 } } } } },
    ['/autoscaling/busySlots/ratio', 'maximum'],
  ],
  [
    { workerPools: { agents: { terminationGracePeriodSeconds: 20 } } },
    ['/workerPools/agents/terminationGracePeriodSeconds', 'want 30'],
  ],
  [
    { workerPools: { agents: { resources: { requests: { memory: '2 GB' } } } } },
    ['/workerPools/agents/resources/requests/memory', 'pattern'],
  ],
  [
    { workerPools: { agents: { pdb: { maxUnavailable: '30' } } } },
    ['/workerPools/agents/pdb/maxUnavailable', 'pattern'],
  ],
  [{ api: { pdb: { minAvailabel: 1 } } }, ["'minAvailabel'", '/api/pdb']],
  [{ api: { autoscaling: { mode: 'keda' } } }, ['/api/autoscaling/mode', "'cpu'"]],
  [{ api: { securityContext: { privileged: true } } }, ['/api/securityContext/privileged']],
  [{ api: { service: { type: 'Public' } } }, ['/api/service/type', "'LoadBalancer'"]],
  [{ image: { tag: 'latest' } }, ['/image/tag']],
  [{ image: { digest: 'sha256:abc' } }, ['/image/digest', 'pattern']],
  [{ config: { LOG_LEVEL: 'verbose' } }, ['/config/LOG_LEVEL', "'debug'"]],
  [{ temporal: { mode: 'cluster' } }, ['/temporal/mode', "'split'"]],
  [{ temporal: { retention: '3 days' } }, ['/temporal/retention', 'pattern']],
  [{ temporal: { numHistoryShards: 0 } }, ['/temporal/numHistoryShards', 'minimum']],
  [{ temporal: { enabled: false, address: 'https://t:7233' } }, ['/temporal/address', 'pattern']],
  [{ postgresql: { mode: 'internal' } }, ['/postgresql/mode', "'cnpg'"]],
  [{ postgresql: { backup: { schedule: 'daily' } } }, ['/postgresql/backup/schedule', 'pattern']],
  [{ postgresql: { external: { port: 70000 } } }, ['/postgresql/external/port', 'maximum']],
  [{ postgresql: { databases: { ado: 'a"; DROP' } } }, ['/postgresql/databases/ado', 'pattern']],
  [{ redis: { bundled: { maxMemory: '1GiB' } } }, ['/redis/bundled/maxMemory', 'pattern']],
  [{ providers: { accounts: [{ name: 'a' }] } }, ['/providers/accounts/0', "'provider'"]],
  [{ versioning: { ramp: 110 } }, ['/versioning/ramp', 'maximum']],
  [{ versioning: { previous: [{ replicas: 1 }] } }, ['/versioning/previous/0', "'tag'"]],
  [{ tracing: { ratio: 10 } }, ['/tracing/ratio', 'maximum']],
  [{ ingress: { hosts: [{ host: 'a' }] } }, ['/ingress/hosts/0', 'string']],
  // Each by itself right, and not together
  [{ secrets: { existingSecret: '' } }, ['secrets.existingSecret', 'POSTGRESQL_PASSWORD']],
  [{ secrets: { generate: true } }, ['secrets', 'existingSecret and generate', 'not several']],
  [{ postgresql: { mode: 'external' } }, ['postgresql.external.host']],
  [{ redis: { mode: 'external' } }, ['redis.external.host']],
  [
    { redis: { mode: 'external', external: { host: 'r', username: 'u', password: false } } },
    ['redis.external.username'],
  ],
  [{ temporal: { enabled: false } }, ['temporal.address', 'host:port']],
  [{ temporal: { address: 't:7233' } }, ['temporal.address', 'temporal.enabled=false']],
  [
    { temporal: { schema: { useHelmHooks: true } } },
    ['temporal.schema.useHelmHooks', 'postgresql.mode=bundled'],
  ],
  [
    { workerPools: { agents: { autoscaling: { mode: 'cpu', min: 9, max: 3 } } } },
    ['workerPools.agents.autoscaling.min', 'is 9, above max'],
  ],
  [
    { workerPools: { agents: { autoscaling: { mode: 'external', min: 0 } } } },
    ['workerPools.agents.autoscaling.min', 'mode keda'],
  ],
  [
    { workerPools: { agents: { autoscaling: { mode: 'keda', min: 0, max: 0 } } } },
    ['workerPools.agents.autoscaling.max', 'replicas=0'],
  ],
  [{ api: { autoscaling: { min: 6 } } }, ['api.autoscaling.min', 'above max']],
  [{ api: { resources: { requests: { cpu: null } } } }, ['api.resources.requests.cpu', 'mode cpu']],
  [
    { workerPools: { workflows: { slots: 5 } } },
    ['workerPools.workflows.slots', 'cachedWorkflows'],
  ],
  [{ workerPools: { more: { replicas: 1 } } }, ['workerPools.more.pools']],
  [{ ingress: { enabled: true } }, ['ingress.hosts']],
  [
    { image: { tag: '1.0.0' }, versioning: { enabled: true, previous: [{ tag: '1.0.0' }] } },
    ['versioning.previous', 'current build'],
  ],
  [{ gatewayApi: { httpRoute: { enabled: true } } }, ['gatewayApi.httpRoute.parentRefs']],
  [
    { postgresql: { mode: 'cnpg', backup: { enabled: true } } },
    ['postgresql.backup.enabled', 'postgresql.cnpg.backup'],
  ],
];

test.each(refused)('%j is refused', async (values, words) => {
  const { code, stderr } = await tryRender({ values: withSecret(values) });

  expect(code).not.toBe(0);
  for (const word of words) expect(stderr).toContain(word);
});

/** What a cluster without the operator is told, for each setting that needs one. */
const operators: readonly (readonly [values: Tree, kind: string])[] = [
  [{ workerPools: { agents: { autoscaling: { mode: 'keda' } } } }, 'keda.sh/v1alpha1/ScaledObject'],
  [{ postgresql: { mode: 'cnpg' } }, 'postgresql.cnpg.io/v1/Cluster'],
  [
    { secrets: { existingSecret: '', externalSecret: { enabled: true, data: [{}] } } },
    'external-secrets.io/v1/ExternalSecret',
  ],
  [
    { gatewayApi: { httpRoute: { enabled: true, parentRefs: [{ name: 'g' }] } } },
    'gateway.networking.k8s.io/v1/HTTPRoute',
  ],
];

test.each(operators)('%j needs its operator', async (values, kind) => {
  const without = await tryRender({ values: withSecret(values) }, []);
  const installed = await tryRender({ values: withSecret(values) }, [kind]);

  expect(without.stderr).toContain(`--api-versions ${kind}`);
  expect(installed).toMatchObject({ code: 0, stderr: '' });
});

test('passwords are made only where the live ones can be looked up', async () => {
  const values = { secrets: { generate: true } };

  const offline = await tryRender({ values }, []);
  const live = await tryRender({ values }, ['v1/Pod']);

  expect(offline.stderr).toContain('secrets.generate');
  expect(live).toMatchObject({ code: 0, stderr: '' });
});

test('all problems are told at once', async () => {
  const values = { secrets: {}, redis: { mode: 'external' }, temporal: { enabled: false } };

  const { stderr } = await tryRender({ values });

  for (const key of ['secrets.existingSecret', 'redis.external.host', 'temporal.address'])
    expect(stderr).toContain(`- ${key}: `);
});

function withSecret(values: Tree): Tree {
  const secrets = { existingSecret: 'ado-secrets', ...(values['secrets'] as Tree | undefined) };
  return { ...values, secrets };
}
