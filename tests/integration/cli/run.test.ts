// `ado run` against a server:
//   - what is asked of the server follows from flags, files and the folder
//   - JSON lines begin with `launch` and end in exactly one `result`, whatever happens
//   - no event is missed or repeated over lost connections and a restarted server
//   - Ctrl-C detaches, a second one cancels
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { beginBatch, beginTask, endBatch, endTask, playItem, writeOutput } from './fake-runs.ts';
import { makePlace, readLines, runAdo, startAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
});

afterEach(() => api.stop());

const folders = (...names: readonly string[]): void => {
  for (const name of names) mkdirSync(join(place.cwd, name, '.git'), { recursive: true });
};
const file = (name: string, text: string): void => writeFileSync(join(place.cwd, name), text);
const lastBody = (): Record<string, unknown> =>
  api.seen.find((request) => request.body !== undefined)?.body as Record<string, unknown>;

describe('a task', () => {
  beforeEach(() => folders('app'));

  it('is run in the repository that the folder is in, and its branch is told', async () => {
    mkdirSync(join(place.cwd, 'app', 'src'));
    api.onAccepted = (id) => {
      beginTask(api, id);
      endTask(api, id, { outcome: 'succeeded' });
    };

    const { code, stdout } = await runAdo({ ...place, cwd: join(place.cwd, 'app', 'src') }, [
      'run',
      'Fix it',
      '--model',
      'scripted:/m.json',
    ]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/branch +ado\/work-/);
    expect(lastBody()).toMatchObject({
      prompt: 'Fix it',
      agent: 'builtin',
      model: 'scripted:/m.json',
      repository: join(place.cwd, 'app'),
    });
  });

  it('--publish and the file ask for the branch to be pushed, and a patch for neither', async () => {
    api.onAccepted = (id) => endTask(api, id, { outcome: 'succeeded' });
    const deliveries: unknown[] = [];
    const run = async (...flags: readonly string[]): Promise<void> => {
      api.seen.length = 0;
      const { code } = await runAdo(place, [
        ...'run x --exec true --repo app'.split(' '),
        ...flags,
      ]);
      deliveries.push(code === 0 ? lastBody()['delivery'] : code);
    };

    await run();
    await run('--publish');
    await run('--publish', '--deliver', 'patch');
    file('ado.config.yaml', 'publish: true\n');
    await run();
    await run('--deliver', 'patch');

    expect(deliveries).toEqual([
      ...[undefined, { publish: true }, 2, { publish: true }, { mode: 'patch' }],
    ]);
  });

  it('that fails ends the command with 3 and says why', async () => {
    api.onAccepted = (id) =>
      endTask(api, id, { outcome: 'failed', failureClass: 'gate', error: 'tests: 1 failed' });

    const { code, stdout, stderr } = await runAdo(place, [
      'run',
      'x',
      '--repo',
      'app',
      '--exec',
      'true',
    ]);

    expect(code).toBe(3);
    expect(stdout).toContain('gate  tests: 1 failed');
    expect(stderr).toMatch(/Retry: ado retry task-/);
  });

  it('takes a program of this folder by its whole path', async () => {
    file('fix.sh', '#!/bin/sh\n');
    chmodSync(join(place.cwd, 'fix.sh'), 0o755);
    api.onAccepted = (id) => endTask(api, id, { outcome: 'succeeded' });

    await runAdo(place, [
      'run',
      'x',
      '--repo',
      'app',
      '--exec',
      './fix.sh --all',
      '--gate',
      'test=npm test',
      '--max-cost',
      '2.50',
      '--timeout',
      '30m',
    ]);

    expect(lastBody()).toMatchObject({
      agent: 'command',
      exec: `${place.cwd}/fix.sh --all`,
      gates: [{ name: 'test', command: 'npm test' }],
      maxCostMicroUsd: 2_500_000,
      timeoutMs: 1_800_000,
    });
  });

  it('says how its work is checked, by flags over the configuration of the project', async () => {
    api.onAccepted = (id) => endTask(api, id, { outcome: 'succeeded' });
    file('ado.config.yaml', 'gateProfile: minimal\nsetup: npm ci\n');
    const words = ['run', 'x', '--repo', 'app', '--model', 'scripted:/m.json'];

    await runAdo(place, [
      ...[
        ...words,
        '--gate-profile',
        'strict',
        '--gate',
        'test=make test',
        '--gate-timeout',
        '20m',
      ],
      ...['--allow-host', 'packages.example.com', '--allow-host', '*.example.org:8443'],
    ]);
    const body = lastBody();
    const wrong = await runAdo(place, [...words, '--gate-profile', 'lax']);

    expect(body).toMatchObject({
      gateProfile: 'strict',
      setup: 'npm ci',
      gates: [{ name: 'test', command: 'make test', timeoutMs: 1_200_000 }],
      allowHosts: ['packages.example.com', '*.example.org:8443'],
    });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('strict') });
  });

  it('takes its prompt from stdin or a file', async () => {
    file('task.md', 'From a file.\n');
    api.onAccepted = (id) => endTask(api, id, { outcome: 'succeeded' });

    await runAdo(place, ['run', '-', '--repo', 'app', '--exec', 'true'], 'From stdin.');
    await runAdo(place, ['run', '--file', 'task.md', '--repo', 'app', '--exec', 'true']);

    expect(
      api.seen.map((request) => request.body).filter((body) => body !== undefined),
    ).toMatchObject([{ prompt: 'From stdin.' }, { prompt: 'From a file.\n' }]);
  });

  it('is submitted once, although the connection breaks before the answer', async () => {
    api.trouble('submitTask', 'hang-up');
    api.onAccepted = (id) => endTask(api, id, { outcome: 'succeeded' });

    const { code, stderr } = await runAdo(place, [
      'run',
      'x',
      '--repo',
      'app',
      '--exec',
      'true',
      '--verbose',
    ]);

    const keys = api.seen
      .filter((request) => request.route === 'submitTask')
      .map((request) => request.headers['idempotency-key']);
    expect(code).toBe(0);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(stderr).toContain(`Idempotency-Key ${String(keys[0])}`);
  });
});

describe('JSON lines', () => {
  const words = ['run', 'x', '--repos', 'repos/*', '--exec', 'true', '-o', 'jsonl'];

  beforeEach(() => folders('repos/a', 'repos/b', 'repos/c'));

  it('are a launch, every event once and in order, and one result, over lost connections and a restart', async () => {
    let batchId = '';
    api.onAccepted = (id) => {
      batchId = id;
      beginBatch(api, id);
    };
    const call = startAdo(place, words);
    await call.says(/batch-started/);
    const [a, b, c] = api.itemsOf(batchId);
    if (a === undefined || b === undefined || c === undefined)
      throw new Error('Three items were sent.');

    playItem(api, a, { outcome: 'succeeded' });
    await call.says(/"seq":3/);
    api.dropConnections();
    playItem(api, b, { outcome: 'failed', failureClass: 'gate' });
    await call.says(/"seq":5/);
    await api.stop();
    await call.says(/Connection lost[^]*Connection lost/);
    playItem(api, c, { outcome: 'succeeded' });
    endBatch(api, batchId);
    await api.start();

    const { code, stdout } = await call.end;
    const lines = readLines(stdout);
    expect(code).toBe(3);
    expect(lines[0]).toMatchObject({ type: 'launch', kind: 'batch', id: batchId, total: 3 });
    expect(lines.slice(1, -1).map((line) => line['seq'])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(lines.at(-1)).toMatchObject({
      type: 'result',
      kind: 'batch',
      id: batchId,
      exitCode: 3,
      status: 'failed',
      result: 'partial',
    });
    expect(lines.filter((line) => line['type'] === 'result')).toHaveLength(1);
  });

  it('end in one result when the server refuses', async () => {
    api.trouble('submitBatch', { code: 'SCOPE_MISSING' });

    const { code, stdout, stderr } = await runAdo(place, words);

    expect(code).toBe(4);
    expect(readLines(stdout)).toEqual([
      { type: 'result', exitCode: 4, error: expect.objectContaining({ code: 'SCOPE_MISSING' }) },
    ]);
    expect(stderr).toContain('[SCOPE_MISSING]');
  });

  it('end in one result when the targets cannot be read', async () => {
    const { code, stdout } = await runAdo(place, [
      'run',
      'x',
      '--repos',
      'gone.txt',
      '--exec',
      'true',
      '-o',
      'jsonl',
    ]);

    expect(code).toBe(2);
    expect(readLines(stdout)).toEqual([
      { type: 'result', exitCode: 2, error: expect.objectContaining({ code: 'FILE_INVALID' }) },
    ]);
  });
});

describe('Ctrl-C', () => {
  let id = '';
  const words = ['run', 'x', '--repo', 'app', '--exec', 'true', '-o', 'jsonl'];

  beforeEach(() => {
    folders('app');
    api.onAccepted = (accepted) => {
      id = accepted;
      beginTask(api, id);
      writeOutput(api, id, 'hello\n');
    };
  });

  it('detaches with 130 and says how to come back', async () => {
    const call = startAdo(place, words);
    await call.says(/hello/);

    call.child.kill('SIGINT');

    const { code, stdout, stderr } = await call.end;
    expect(code).toBe(130);
    expect(stderr).toContain(`ado logs -f ${id}`);
    expect(stderr).toContain(`ado cancel ${id}`);
    expect(readLines(stdout).at(-1)).toEqual({
      type: 'result',
      exitCode: 130,
      id,
      detached: true,
      cancelRequested: false,
    });
    expect(api.tasks.get(id)?.cancelRequested).toBe(false);
  });

  it('pressed twice cancels', async () => {
    const call = startAdo(place, words);
    await call.says(/hello/);

    call.child.kill('SIGINT');
    await call.says(/Press Ctrl-C again/);
    call.child.kill('SIGINT');

    expect((await call.end).code).toBe(130);
    expect(api.tasks.get(id)?.cancelRequested).toBe(true);
  });
});

it('a server that is not there is told with 69 and what to do', async () => {
  folders('app');
  await api.stop();

  const { code, stderr } = await runAdo(place, ['ps']);

  expect(code).toBe(69);
  expect(stderr).toMatch(/does not answer \(connection refused\)\. \[SERVER_UNREACHABLE\]\n→ /);
});

it('a detached run prints the id and waits for nothing', async () => {
  folders('app');

  const { code, stdout } = await runAdo(place, [
    'run',
    'x',
    '--repo',
    'app',
    '--exec',
    'true',
    '--detach',
    '-o',
    'name',
  ]);

  expect(code).toBe(0);
  expect(stdout.trim()).toBe([...api.tasks.keys()][0]);
});
