// Who may speak to whom. A network plug-in enforces the policies; here they are decided by its rules.
import { isAllowed, type End } from '../support/kube/network.ts';
import { renderChart, type KubeObject, type Tree } from '../support/kube/rendered-chart.ts';
import { podsOf } from '../support/kube/rendered-pods.ts';

const secret = { secrets: { existingSecret: 'ado-secrets' } };
const internet = { address: '160.79.104.10' };
const strict = { gatewayNamespace: 'gateway', monitoringNamespace: 'monitoring' };

/** A pod that somebody else runs. */
function stranger(namespace: string, labels: Readonly<Record<string, string>> = {}): End {
  return { namespace, labels };
}

/** A way between two components, or from or to somewhere else: `api → redis 6379`. */
const open = [
  'api → postgresql 5432',
  'api → redis 6379',
  'api → temporal 7233',
  'worker → postgresql 5432',
  'worker → redis 6379',
  'worker → temporal 7233',
  'temporal → postgresql 5432',
  'temporal → temporal 7233',
  'temporal → temporal 7234',
  'temporal → temporal 7235',
  'temporal → temporal 7239',
  'temporal → temporal 6933',
  'temporal → temporal 6934',
  'temporal → temporal 6935',
  'temporal → temporal 6939',
  'temporal-ui → temporal 7233',
  'temporal-schema → postgresql 5432',
  'temporal-namespace → temporal 7233',
  'migrations → postgresql 5432',
  'backup → postgresql 5432',
  'test → api 3000',
  'test → temporal 7233',
  'gateway → api 3000',
  'monitoring → api 9090',
  'monitoring → worker 9090',
  'monitoring → worker 9464',
  'monitoring → temporal 9090',
  'keda → temporal 7233',
  'keda → api 9090',
  'worker → internet 443',
  'api → internet 443',
];

const closed = [
  'worker → api 3000',
  'worker → worker 9090',
  'worker → temporal 7234',
  'worker → internet 80',
  'worker → cloud 443',
  'worker → neighbour 443',
  'api → temporal 6933',
  'redis → internet 443',
  'postgresql → internet 443',
  'temporal → internet 443',
  'temporal → redis 6379',
  'temporal-ui → postgresql 5432',
  'migrations → redis 6379',
  'test → postgresql 5432',
  'stranger → api 3000',
  'stranger → api 9090',
  'stranger → temporal 7233',
  'stranger → postgresql 5432',
  'stranger → redis 6379',
  'gateway → api 9090',
  'gateway → temporal-ui 8080',
  'monitoring → postgresql 5432',
];

describe('a bundled platform', () => {
  let objects: readonly KubeObject[];
  beforeAll(async () => {
    const values = { ...secret, networkPolicy: strict, postgresql: { backup: { enabled: true } } };
    objects = await renderChart({ values });
  });

  test.each(open)('%s is open', (way) => {
    expect(isOpen(objects, way)).toBe(true);
  });

  test.each(closed)('%s is closed', (way) => {
    expect(isOpen(objects, way)).toBe(false);
  });

  test('every pod may ask for names, over both protocols, and nobody else but DNS there', () => {
    const dns = stranger('kube-system', { 'k8s-app': 'kube-dns' });
    for (const from of podsOf(objects)) {
      for (const protocol of ['UDP', 'TCP'] as const)
        expect(isAllowed(objects, { from, to: dns, port: 53, protocol })).toBe(true);
      const other = stranger('kube-system', { 'k8s-app': 'other' });
      expect(isAllowed(objects, { from, to: other, port: 53 })).toBe(false);
    }
  });

  test('no pod of the release is without a policy', () => {
    for (const to of podsOf(objects))
      expect(isAllowed(objects, { from: stranger('default'), to, port: 1 })).toBe(false);
  });
});

test('external stores are reached on their ports, where they are said to be', async () => {
  const objects = await renderChart({ files: ['ci/external-values.yaml'] });
  const [from] = podsOf(objects).filter(isComponent('worker'));

  const may = (address: string, port: number): boolean =>
    isAllowed(objects, { from: from as End, to: { address }, port });
  expect(may('10.1.2.3', 5432)).toBe(true);
  expect(may('10.2.2.3', 5432)).toBe(false);
  expect(may('10.2.2.3', 6379)).toBe(true);
  expect(may('10.2.2.3', 7233)).toBe(true);
  expect(may('10.2.2.3', 7234)).toBe(false);
});

test('a pool has its own way out in place of the one to the internet', async () => {
  const egress = [{ ports: [{ port: 8443, protocol: 'TCP' }] }];
  const objects = await renderChart({ values: { ...secret, workerPools: { models: { egress } } } });

  const may = (pool: string, port: number): boolean => {
    const [from] = podsOf(objects).filter(({ labels }) => labels['ado.dev/pool'] === pool);
    return isAllowed(objects, { from: from as End, to: internet, port });
  };
  expect([may('models', 8443), may('models', 443)]).toEqual([true, false]);
  expect([may('agents', 8443), may('agents', 443)]).toEqual([false, true]);
});

test('the quarantine reaches its stores and nothing else', async () => {
  const values: Tree = {
    ...secret,
    postgresql: { external: { host: 'db' } },
    redis: { external: { host: 'redis' } },
    temporal: { address: 'temporal:7233' },
  };
  const objects = await renderChart({ files: ['profiles/quarantine.yaml'], values });

  for (const from of podsOf(objects))
    expect(isAllowed(objects, { from, to: internet, port: 443 })).toBe(false);
  expect(isOpen(objects, 'gateway → api 3000')).toBe(true);
  expect(isOpen(objects, 'stranger → api 3000')).toBe(false);
});

test('traces go to the port of their collector', async () => {
  const objects = await renderChart({ files: ['ci/split-values.yaml'] });
  const to = stranger('monitoring');

  for (const from of podsOf(objects).filter(isComponent('worker'))) {
    expect(isAllowed(objects, { from, to, port: 4318 })).toBe(true);
    expect(isAllowed(objects, { from, to, port: 4317 })).toBe(false);
  }
});

function isOpen(objects: readonly KubeObject[], way: string): boolean {
  const [, from = '', to = '', port = ''] = /^(\S+) → (\S+) (\d+)$/.exec(way) ?? [];
  const ways = endsNamed(objects, from).flatMap((one) =>
    endsNamed(objects, to).map((other) =>
      isAllowed(objects, { from: one, to: other, port: Number(port) }),
    ),
  );
  // All pools are alike: what holds for one has to hold for each.
  if (new Set(ways).size !== 1) throw new Error(`${way} is open for some and closed for others`);
  return ways[0] === true;
}

function endsNamed(objects: readonly KubeObject[], name: string): readonly End[] {
  if (name === 'internet') return [internet];
  if (name === 'cloud') return [{ address: '169.254.169.254' }];
  if (name === 'neighbour') return [{ address: '10.3.2.1' }];
  if (['gateway', 'monitoring', 'keda', 'stranger'].includes(name)) return [stranger(name)];
  const pods = podsOf(objects).filter(isComponent(name));
  if (pods.length === 0) throw new Error(`no pod of ${name}`);
  return pods;
}

function isComponent(name: string) {
  return ({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean =>
    labels['app.kubernetes.io/component'] === name;
}
