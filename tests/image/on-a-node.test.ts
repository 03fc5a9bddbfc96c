// The image as the chart runs it, on a real node: kubelet, containerd and runc, in a namespace that enforces the restricted
// Pod Security Standard, with PostgreSQL, Redis and Temporal outside of the cluster.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalApiKey } from '../../cli/dev/home.ts';
import { testService } from '../support/environment.ts';
import { startControlPlane } from '../support/kube/control-plane.ts';
import type { KubeList, KubeObject } from '../support/kube/kube-api.ts';
import { realNode, startRealNode, whyNoRealNode } from '../support/kube/real-node.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import { runTool } from '../support/kube/tools.ts';
import { createTestNamespace } from '../support/namespace.ts';
import { buildImage, createEmptyDatabase, docker, hasEngine, image } from './engine.ts';

const reason = hasEngine ? whyNoRealNode() : 'no Docker engine; npm run test:image has one';
if (reason !== undefined)
  process.stderr.write(`tests/image/on-a-node.test.ts is skipped: ${reason}.\n`);
const suite = reason === undefined ? describe : describe.skip;

/** Stands for PostgreSQL's image, of which the migrations' Job calls `pg_isready`. */
const postgresImage = { repository: 'ado-postgres', tag: 'test' };
const postgresDockerfile = `FROM node:24-bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client
`;

interface Pod extends KubeObject {
  readonly status: {
    readonly phase: string;
    readonly containerStatuses: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
    }[];
  };
}

suite('the image on a node', () => {
  const stops: (() => Promise<void>)[] = [];

  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  test('migrations end, and the processes of the chart become ready with their stores', async () => {
    buildImage();
    const folder = mkdtempSync(join(tmpdir(), 'ado-test-image-'));
    stops.push(async () => rm(folder, { recursive: true }));
    const archive = join(folder, 'ado.tar');
    const postgres = `${postgresImage.repository}:${postgresImage.tag}`;
    writeFileSync(join(folder, 'Dockerfile'), postgresDockerfile);
    docker('build', '--network=host', '--tag', postgres, folder);
    docker('save', '--output', archive, image, postgres);
    const temporal = await createTestNamespace();
    stops.push(async () => temporal.close());
    const database = new URL(await createEmptyDatabase());
    const redis = new URL(testService('redisUrl'));
    const temporalPort = Number(testService('temporalAddress').split(':')[1]);
    const ports = [Number(database.port), Number(redis.port), temporalPort];
    const plane = await startControlPlane();
    stops.push(plane.stop);
    const node = await startRealNode(plane, { ports, images: [archive] });
    stops.push(node.stop);
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await plane.api.create('/api/v1/namespaces', { metadata: { name: 'ado', labels } });
    await plane.api.create('/api/v1/namespaces/ado/secrets', {
      metadata: { name: 'passwords' },
      stringData: {
        POSTGRESQL_PASSWORD: decodeURIComponent(database.password),
        ADO_BOOTSTRAP_API_KEY: createLocalApiKey(),
      },
    });
    const [repository = '', tag = ''] = image.split(':');
    const values = {
      image: { repository, tag, pullPolicy: 'Never' },
      secrets: { generate: false, existingSecret: 'passwords' },
      postgresql: {
        mode: 'external',
        image: { ...postgresImage, pullPolicy: 'Never' },
        auth: { user: database.username },
        databases: { ado: database.pathname.slice(1) },
        external: {
          host: realNode.address,
          port: Number(database.port),
          tls: { enabled: false },
        },
      },
      redis: {
        mode: 'external',
        external: {
          host: realNode.address,
          port: Number(redis.port),
          password: false,
          tls: false,
        },
      },
      temporal: {
        enabled: false,
        address: `${realNode.address}:${String(temporalPort)}`,
        namespace: temporal.name,
      },
    };

    const profile = ['--values', join(chartFolder, 'profiles', 'dev.yaml'), '--values', '-'];
    const wait = ['--wait', '--wait-for-jobs', '--timeout', '150s'];
    const install = ['install', 'ado', chartFolder, '--namespace', 'ado', ...profile, ...wait];
    const env = { KUBECONFIG: plane.kubeconfig };
    await runTool('helm', install, { env, input: JSON.stringify(values) }).catch(
      async (error: unknown) => {
        const events = await runTool('kubectl', ['events', '-n', 'ado'], { env });
        throw new Error(`${String(error)}\n${events}`);
      },
    );

    const { items } = await plane.api.get<KubeList<Pod>>('/api/v1/namespaces/ado/pods');
    const seen = items.map(({ metadata, status }) => ({
      component:
        metadata.labels?.['ado.dev/pool'] ?? metadata.labels?.['app.kubernetes.io/component'],
      phase: status.phase,
      containers: status.containerStatuses.map(({ ready, restartCount }) => ({
        ready,
        restartCount,
      })),
    }));
    process.stderr.write(`on the node: ${JSON.stringify(seen)}\n`);
    const running = { phase: 'Running', containers: [{ ready: true, restartCount: 0 }] };
    for (const component of ['api', 'workflows', 'models', 'agents'])
      expect(seen).toContainEqual({ component, ...running });
  }, 1_800_000);
});
