// The image of the Dockerfile, built and run by a real Docker engine: `npm run test:image`.
//   - it has what production needs and no more, within the size that docs/docker.md names
//   - migrations, API and worker run a task on a read-only root, without any capability
//   - a worker that is asked to stop does it in good order
//   - its health check can fail
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createApiClient } from '../../cli/api-client.ts';
import type { ApiClient } from '../../cli/api-client.ts';
import { checkoutRoot } from '../../cli/dev/checkout.ts';
import { createLocalApiKey } from '../../cli/dev/home.ts';
import { findFreePorts, loopback } from '../../cli/dev/ports.ts';
import { until } from '../support/ado-platform.ts';
import { testService } from '../support/environment.ts';
import { createTestNamespace } from '../support/namespace.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { countCommits, deliveredBranches, git, makeRepository } from '../support/repositories.ts';
import { buildImage, createEmptyDatabase, docker, hasEngine, image } from './engine.ts';

jest.setTimeout(180_000);

/** What the image may add to its base, in MB (docs/docker.md). */
const boundMb = 330;

if (!hasEngine)
  process.stderr.write('tests/image is skipped: no Docker engine; npm run test:image has one.\n');
const suite = hasEngine ? describe : describe.skip;

/** Of every container: no root that can be written to, no capability, no way to get one. */
const hardened = [
  ...['--network=host', '--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges'],
  ...[
    '--tmpfs=/tmp',
    '--tmpfs=/home/ado:uid=10001,gid=10001',
    '--tmpfs=/var/lib/ado:exec,uid=10001,gid=10001',
  ],
];
/** What Docker keeps from the sandbox unless told otherwise: user namespaces, and a /proc of its own. */
const sandboxed = ['--security-opt=seccomp=unconfined', '--security-opt=systempaths=unconfined'];

/** All that a container has logged. */
function logOf(container: string): string {
  const { stdout, stderr } = spawnSync('docker', ['logs', container], { encoding: 'utf8' });
  return stdout + stderr;
}

/** What a container of the image prints that runs to its end. */
function output(...command: readonly string[]): string {
  return docker('run', '--rm', ...hardened, image, ...command);
}

suite('the image', () => {
  const containers: string[] = [];
  let namespace: TestNamespace;
  let databaseUrl: string;
  let variables: Record<string, string>;
  let client: ApiClient;

  beforeAll(async () => {
    buildImage();
    namespace = await createTestNamespace();
    databaseUrl = await createEmptyDatabase();
    const [apiPort = 0, apiMetrics = 0] = await findFreePorts(2);
    const key = createLocalApiKey();
    variables = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: testService('redisUrl'),
      TEMPORAL_ADDRESS: testService('temporalAddress'),
      TEMPORAL_NAMESPACE: namespace.name,
      ADO_API_HOST: loopback,
      ADO_API_PORT: String(apiPort),
      ADO_METRICS_HOST: loopback,
      ADO_METRICS_PORT: String(apiMetrics),
      ADO_BOOTSTRAP_API_KEY: key,
      ADO_SHUTDOWN_GRACE_MS: '30000',
    };
    client = createApiClient(() => ({ url: `http://${loopback}:${apiPort}`, key }));
  }, 900_000);

  afterAll(async () => {
    if (containers.length > 0) docker('rm', '--force', ...containers);
    await namespace.close();
  });

  /** Starts one process of the platform as people would. */
  function start(program: string, ...options: readonly string[]): string {
    const env = Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`);
    const command = ['node', program];
    const id = docker('run', '--detach', ...hardened, ...env, ...options, image, ...command);
    containers.push(id);
    return id;
  }

  async function startWorker(volume: string): Promise<string> {
    const [port = 0] = await findFreePorts(1);
    const own = [`--env=ADO_METRICS_PORT=${port}`, `--env=ADO_HOST_ID=${randomUUID()}`];
    const worker = start('dist/worker/main.js', ...sandboxed, ...own, volume);
    await healthy(worker);
    return worker;
  }

  test('it adds what production needs to its base, and no more', () => {
    const sizeOf = (name: string): number =>
      Number(docker('image', 'inspect', '--format={{.Size}}', name));
    const addedMb = (sizeOf(image) - sizeOf('node:24-bookworm-slim')) / 1e6;
    process.stderr.write(
      `the image adds ${addedMb.toFixed(0)} MB to its base, ${(sizeOf(image) / 1e6).toFixed(0)} MB in all\n`,
    );
    const bill = JSON.parse(output('cat', 'sbom.cdx.json')) as { components: { name: string }[] };
    const listed = bill.components.map(({ name }) => name);
    const there = output('sh', '-c', 'cd node_modules && ls -d * @*/*').split('\n');

    expect(addedMb).toBeLessThan(boundMb);
    expect(listed).toEqual(expect.arrayContaining(Object.keys(packageJson().dependencies)));
    expect(there).toEqual(expect.arrayContaining(['zod', '@temporalio/worker']));
    for (const names of [listed, there])
      expect(developmentPackages().filter((name) => names.includes(name))).toEqual([]);
  });

  test('its programs are run by nobody in particular, and cannot be changed by them', () => {
    expect(output('id', '-u')).toBe('10001');
    // Also where the root can be written to.
    const writable = ['find', '/app', '/usr', '/etc/passwd', '-writable', '!', '-type', 'l'];
    expect(docker('run', '--rm', image, ...writable)).toBe('');
    expect(output('ado', '--version')).toBe(packageJson().version);
  });

  test('its health check fails where nothing serves', () => {
    const shown = docker('image', 'inspect', '--format={{json .Config.Healthcheck.Test}}', image);
    const [kind, ...command] = JSON.parse(shown) as string[];

    const check = ['run', '--rm', '--entrypoint=', image, ...command];
    expect(kind).toBe('CMD');
    expect(spawnSync('docker', check).status).toBe(1);
  });

  test('a worker that is asked to stop ends what it runs, and the task goes on in another', async () => {
    const repository = makeRepository();
    own(repository, 10001);
    expect(docker('wait', start('dist/adapters/postgres/migrate.js'))).toBe('0');
    const volume = `--volume=${repository}:${repository}`;
    await healthy(start('dist/api/main.js', volume));
    const first = await startWorker(volume);
    const { id } = await client.call('post /v1/tasks', {
      body: {
        prompt: 'Greet',
        exec: 'sleep 5; echo Hello >> README.md',
        repository,
        agent: 'command',
      },
      idempotencyKey: randomUUID(),
    });
    const task = async () => client.call('get /v1/tasks/:taskId', { params: { taskId: id } });
    await until('the task runs', async () => (await task()).status === 'running', 60_000);

    docker('stop', '--time=60', first);
    await startWorker(volume);

    await until('the task ends', async () => (await task()).outcome !== undefined, 120_000);
    expect(docker('inspect', '--format={{.State.ExitCode}}', first)).toBe('0');
    expect(logOf(first)).toContain('worker-stopped');
    expect(await task()).toMatchObject({ outcome: 'succeeded' });
    own(repository, process.getuid?.() ?? 0);
    const [branch = ''] = deliveredBranches(repository);
    expect(countCommits(repository, branch)).toBe(1);
    expect(git(repository, 'show', `${branch}:README.md`)).toMatch(/Hello$/);
  });

  /** Waits until the image's own health check holds. */
  async function healthy(container: string): Promise<void> {
    const state = (): string => docker('inspect', '--format={{.State.Health.Status}}', container);
    const holds = (): boolean => {
      if (docker('inspect', '--format={{.State.Running}}', container) === 'true')
        return state() === 'healthy';
      throw new Error(`a container ended:\n${logOf(container)}`);
    };
    await until('a container is healthy', holds, 90_000).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${logOf(container)}`);
    });
  }
});

/** Gives a folder to a user of the container. */
function own(folder: string, uid: number): void {
  const command = ['--user=0', `--volume=${folder}:${folder}`, '--entrypoint=chown', image];
  docker('run', '--rm', ...command, '-R', String(uid), folder);
}

function packageJson(): { version: string; dependencies: Record<string, string> } {
  return JSON.parse(readFileSync(join(checkoutRoot(), 'package.json'), 'utf8')) as never;
}

/** Names of packages that nothing but development needs. */
function developmentPackages(): string[] {
  const lock = readFileSync(join(checkoutRoot(), 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Record<string, { dev?: boolean }> };
  const atTop = Object.entries(packages).filter(
    ([path]) => path.split('node_modules/').length === 2,
  );
  return atTop.filter(([, { dev }]) => dev === true).map(([path]) => path.slice(13));
}
