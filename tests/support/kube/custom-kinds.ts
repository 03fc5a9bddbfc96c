/** Makes the kinds of the operators that the chart can use known to a cluster, as their makers publish them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findGo } from '../../../cli/dev/programs/go-build.ts';
import { runProgram } from '../../../cli/dev/programs/run-program.ts';
import type { Cluster } from './cluster.ts';

/** The Go modules that hold them, and where in them. Only the files are used; nothing is built. */
const modules = [
  {
    module: 'github.com/kedacore/keda/v2@v2.20.2',
    folder: 'config/crd/bases',
    files: ['keda.sh_scaledobjects.yaml', 'keda.sh_triggerauthentications.yaml'],
  },
  {
    module: 'github.com/external-secrets/external-secrets@v1.3.2',
    folder: 'config/crds/bases',
    files: ['external-secrets.io_externalsecrets.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    folder: 'example/prometheus-operator-crd',
    files: [
      'monitoring.coreos.com_servicemonitors.yaml',
      'monitoring.coreos.com_prometheusrules.yaml',
    ],
  },
  {
    module: 'sigs.k8s.io/gateway-api@v1.4.1',
    folder: 'config/crd/standard',
    files: ['gateway.networking.k8s.io_httproutes.yaml'],
  },
];

/** Stands in for CloudNativePG's, which no Go module offers: any field is taken. */
const postgresClusters = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'clusters.postgresql.cnpg.io' },
  spec: {
    group: 'postgresql.cnpg.io',
    names: { kind: 'Cluster', plural: 'clusters' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
};

/** Fetches and applies them; the API server knows them when it resolves. */
export async function addCustomKinds(cluster: Cluster): Promise<void> {
  const files: string[] = [];
  for (const { module, folder, files: names } of modules) {
    const root = await fetchModule(module);
    files.push(...names.map((name) => join(root, folder, name)));
  }
  const apply = ['apply', '--server-side', ...files.flatMap((file) => ['-f', file])];
  await cluster.kubectl(apply);
  await cluster.kubectl(['apply', '--server-side', '-f', '-'], {
    input: JSON.stringify(postgresClusters),
  });
  const served = [
    'keda.sh/v1alpha1/scaledobjects',
    'external-secrets.io/v1/externalsecrets',
    'monitoring.coreos.com/v1/servicemonitors',
    'monitoring.coreos.com/v1/prometheusrules',
    'gateway.networking.k8s.io/v1/httproutes',
    'postgresql.cnpg.io/v1/clusters',
  ];
  for (const path of served) while (!(await cluster.api.isOk(`/apis/${path}`))) await delay(50);
}

/** Answers the folder of a Go module in Go's own cache. */
async function fetchModule(module: string): Promise<string> {
  const go = await findGo(process.env);
  if (go === undefined) throw new Error(`Go is needed to fetch ${module}: https://go.dev/dl/`);
  const env = { ...process.env, GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'local' };
  const options = { env, cwd: '/', timeoutMs: 600_000 };
  const { stdout } = await runProgram(go.file, ['mod', 'download', '-json', module], options);
  const { Dir: folder = '', Error: error = '' } = JSON.parse(stdout || '{}') as {
    readonly Dir?: string;
    readonly Error?: string;
  };
  if (!existsSync(folder)) throw new Error(`${module} could not be fetched: ${error}`);
  return folder;
}
