// A worker process: says when it is ready, waits for what is not there yet, and ends in good order.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { testService } from '../../support/environment.ts';
import { createTestNamespace, type TestNamespace } from '../../support/namespace.ts';

const program = join(import.meta.dirname, '../../../worker/main.ts');

interface RunningWorker {
  readonly process: ChildProcess;
  /** All that it logged, once it has ended. */
  readonly log: Promise<string>;
  health(name: 'live' | 'ready'): Promise<number>;
}

describe('a worker process', () => {
  let database: TestDatabase;
  let namespace: TestNamespace;
  let home: string;
  beforeAll(async () => {
    [database, namespace] = await Promise.all([createTestDatabase(), createTestNamespace()]);
    home = await mkdtemp(join(tmpdir(), 'ado-worker-'));
  });
  afterAll(async () => {
    await namespace.close();
    await database.drop();
    await rm(home, { recursive: true });
  });

  async function startWorker(env: NodeJS.ProcessEnv = {}): Promise<RunningWorker> {
    const port = await freePort();
    const child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        ADO_HOME: home,
        DATABASE_URL: database.url,
        REDIS_URL: testService('redisUrl'),
        TEMPORAL_ADDRESS: testService('temporalAddress'),
        TEMPORAL_NAMESPACE: namespace.name,
        ADO_METRICS_PORT: String(port),
        ...env,
      },
    });
    const log = text(child.stderr);
    const health = (name: string): Promise<number> =>
      fetch(`http://127.0.0.1:${port}/health/${name}`).then(
        ({ status }) => status,
        () => 0,
      );
    await untilTrue(async () => child.exitCode !== null || (await health('live')) === 200);
    return { process: child, log, health };
  }

  test('is ready once its workers run, and ends with 0 when it is asked to', async () => {
    const worker = await startWorker();

    await untilTrue(async () => (await worker.health('ready')) === 200);
    worker.process.kill('SIGTERM');
    const [code] = (await once(worker.process, 'exit')) as [number | null];

    expect(code).toBe(0);
    expect(await worker.log).toContain('"msg":"worker-stopped"');
    expect(await readdir(join(home, 'cache'))).toHaveLength(1);
  });

  test('waits for Temporal, alive and not ready, and can be stopped meanwhile', async () => {
    const worker = await startWorker({ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` });

    expect(await worker.health('ready')).toBe(503);
    worker.process.kill('SIGTERM');
    const [code] = (await once(worker.process, 'exit')) as [number | null];

    expect(code).toBe(0);
  });

  test('that cannot start ends with an error and one line that says why', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;

    const worker = await startWorker({ ADO_METRICS_PORT: String(port) });
    const log = await worker.log;
    taken.close();

    expect(worker.process.exitCode).toBe(1);
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string; err: { message: string } });
    expect(lines.filter(({ level }) => level === 'fatal')).toMatchObject([
      { msg: 'worker-failed', err: { message: expect.stringContaining('EADDRINUSE') } },
    ]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilTrue(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 50));
}
