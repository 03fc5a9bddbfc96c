// What an install prints: where things are, how to change them, and what is not fit for more than a trial.
import { runTool } from '../support/kube/tools.ts';
import { chartFolder, type Tree } from '../support/kube/rendered-chart.ts';

async function notesOf(values: Tree, files: readonly string[] = []): Promise<string> {
  const all = { secrets: { existingSecret: 'ado-secrets' }, ...values };
  const paths = [...files.map((file) => `${chartFolder}/${file}`), '-'];
  const answer = await runTool(
    'helm',
    [
      ...['install', 'ado', chartFolder, '-n', 'agents', '--dry-run=client', '-o', 'json'],
      ...paths.flatMap((path) => ['--values', path]),
    ],
    { input: JSON.stringify(all) },
  );
  return (JSON.parse(answer) as { info: { notes: string } }).info.notes;
}

test('a trial is told that it is one', async () => {
  const notes = await notesOf({});

  expect(notes).toContain('kubectl -n agents port-forward svc/ado-api 3000');
  expect(notes).toContain(
    'ado context add kubernetes --namespace agents --key-secret ado-secrets/ADO_BOOTSTRAP_API_KEY\n',
  );
  expect(notes).toContain('PostgreSQL is one pod');
  expect(notes).toContain('No model accounts');
  expect(notes).not.toMatch(/no TLS|No pool serves|more than PostgreSQL allows/);
});

test('a platform with all that it needs is told where it is, and nothing else', async () => {
  const tls = [{ secretName: 'tls', hosts: ['ado.example.com'] }];
  const notes = await notesOf({
    ingress: { enabled: true, hosts: ['ado.example.com'], tls },
    postgresql: { mode: 'external', external: { host: 'db' } },
    providers: { accounts: [{ name: 'a', provider: 'google', access: 'free' }] },
  });

  expect(notes).toContain('https://ado.example.com');
  expect(notes).not.toContain('Look at:');
});

test.each([
  [
    'an ingress without TLS',
    { ingress: { enabled: true, hosts: ['a.b'] } },
    'The ingress has no TLS',
  ],
  ['a queue that no pool serves', { workerPools: { models: null } }, 'No pool serves models'],
  [
    'more connections than the server allows',
    { workerPools: { agents: { autoscaling: { mode: 'external' } } } },
    'more than PostgreSQL allows (postgresql.bundled.parameters.max_connections is 250',
  ],
] as const)('%s is warned of', async (_name, values, words) => {
  expect(await notesOf(values)).toContain(words);
});

test('the sum of connections counts every pod that an autoscaler may start', async () => {
  const fixed = { api: { replicas: 1, databasePoolSize: 5, autoscaling: { mode: 'none' } } };
  const pools = { workflows: null, models: null };
  const small = { ...fixed, temporal: { connections: 3, visibilityConnections: 2 } };

  const scaled = await notesOf({
    ...small,
    workerPools: { ...pools, agents: { autoscaling: { mode: 'external', max: 7 } } },
  });
  const split = await notesOf({
    ...small,
    temporal: { ...small.temporal, mode: 'split' },
    workerPools: { ...pools, agents: { replicas: 2 } },
  });

  // API 1 × 5, workers × 4, and Temporal: four roles, or eight pods, with 3 + 2 each.
  expect(scaled).toContain(`at most: ${5 + 7 * 4 + 4 * 5}\n`);
  expect(split).toContain(`at most: ${5 + 2 * 4 + 8 * 5}\n`);
});
