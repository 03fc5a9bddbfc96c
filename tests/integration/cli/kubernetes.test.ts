// Contexts on Kubernetes, with stand-ins for kubectl and helm on PATH; the port is forwarded for real.
//   - a command reaches the API through a port that lives as long as the command, with a key from a secret
//   - a port that is lost is forwarded anew; a cluster or a program that is not there is said
//   - a pool is scaled by an upgrade of its release that changes nothing else
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkoutRoot } from '../../../cli/dev/checkout.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { until } from '../../support/ado-platform.ts';
import { endTask } from './fake-runs.ts';
import { makePlace, readLines, runAdo, startAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

const release = {
  chart: { chart: 'ado', version: readChartVersion() },
  values: {
    workerDefaults: { replicas: 1, autoscaling: { mode: 'none' } },
    workerPools: {
      agents: { replicas: 3 },
      models: { autoscaling: { mode: 'keda' } },
      spare: {},
    },
  },
};

function readChartVersion(): string {
  const text = readFileSync(join(checkoutRoot(), 'helm', 'Chart.yaml'), 'utf8');
  return /^version: (.+)$/m.exec(text)?.[1] ?? '';
}

let api: FakeApi;
let place: Place;
beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  const { cwd, env } = makePlace();
  const bin = join(cwd, 'bin');
  mkdirSync(bin);
  for (const tool of ['kubectl', 'helm']) {
    const source = join(checkoutRoot(), 'tests', 'support', `fake-${tool}.process.mjs`);
    // Named as people have it; a package.json tells Node that it is a module.
    copyFileSync(source, join(bin, tool));
    chmodSync(join(bin, tool), 0o755);
  }
  writeFileSync(join(bin, 'package.json'), '{"type":"module"}');
  place = {
    cwd,
    env: {
      ...env,
      PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`,
      FAKE_KUBECTL_LOG: join(cwd, 'kubectl.log'),
      FAKE_KUBECTL_TARGET: new URL(api.url).port,
      FAKE_KUBECTL_KEY: fakeKey,
      FAKE_HELM_LOG: join(cwd, 'helm.log'),
      FAKE_HELM_RELEASE: JSON.stringify(release),
    },
  };
});
afterEach(() => api.stop());

const calls = (): { pid: number; words: string[] }[] =>
  readLines(readFileSync(join(place.cwd, 'kubectl.log'), 'utf8')) as never;
const upgrades = (): string[][] =>
  readFileSync(join(place.cwd, 'helm.log'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string[]);
const addContext = (...words: readonly string[]) =>
  runAdo(place, [
    ...['context', 'add', 'kubernetes', '--namespace', 'ado-system'],
    ...['--key-secret', 'ado-secrets/API_KEY', ...words],
  ]);
const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a command reaches the API through a forwarded port, and leaves none behind', async () => {
  const added = await addContext('--kubeconfig', 'kube.yaml', '--kube-context', 'west');

  const listed = await runAdo(place, ['--context', 'k8s', 'ps', '-o', 'json']);
  const contexts = await runAdo(place, ['context', 'list']);
  const key = await runAdo(place, ['--context', 'k8s', 'config', 'get', 'key']);

  expect([added.code, listed.code, contexts.code, key.code]).toEqual([0, 0, 0, 0]);
  expect(JSON.parse(listed.stdout)).toEqual({ items: [] });
  const where = ['--namespace', 'ado-system', '--kubeconfig', join(place.cwd, 'kube.yaml')];
  const cluster = [...where, '--context', 'west'];
  expect(calls().map(({ words }) => words)).toEqual([
    ['get', 'secret', 'ado-secrets', '-o', 'json', ...cluster],
    ['port-forward', 'service/ado-api', ':3000', '--address', '127.0.0.1', ...cluster],
    ['get', 'secret', 'ado-secrets', '-o', 'json', ...cluster],
  ]);
  await until('no kubectl is left', () => calls().every(({ pid }) => !lives(pid)));
  expect(contexts.stdout).toMatch(
    /kubernetes +kubernetes ado-system\/ado-api +ado-secrets\/API_KEY/,
  );
  expect(key.stdout.trim()).toBe(fakeKey);
});

test('work is followed to its end although the forwarded port is lost on the way', async () => {
  await addContext();
  let taskId = '';
  api.onAccepted = (id) => {
    taskId = id;
  };
  const words = [
    '--context',
    'k8s',
    'run',
    'Wait',
    '--exec',
    'true',
    '--repo',
    '/srv/one',
    '--yes',
  ];

  const forwards = () => calls().filter(({ words: [verb] }) => verb === 'port-forward');
  const run = startAdo(place, [...words, '-o', 'jsonl']);
  await until('it follows', () => api.seen.some(({ route }) => route === 'followTask'), 20_000);
  process.kill(forwards()[0]?.pid ?? 0, 'SIGKILL');
  await until('another port is forwarded', () => forwards().length === 2, 20_000);
  endTask(api, taskId, { outcome: 'succeeded' });
  const end = await run.end;

  expect(end.code).toBe(0);
  await until('no kubectl is left', () => calls().every(({ pid }) => !lives(pid)));
});

test('what is not there is said: the context, the service, the secret, the program', async () => {
  const none = await runAdo(place, ['--context', 'k8s', 'ps']);
  await addContext();
  writeFileSync(join(place.cwd, 'kubectl.log.down'), '');
  const service = await runAdo(place, ['--context', 'k8s', 'ps']);
  await runAdo(place, ['context', 'add', 'odd', '--namespace', 'x', '--key-secret', 'no/KEY']);
  const secret = await runAdo(place, ['--context', 'odd', 'ps']);
  const bare = { ...place, env: { ...place.env, PATH: '/nowhere' } };
  const program = await runAdo(bare, ['--context', 'k8s', 'ps']);

  expect(none.stderr).toContain('ado context add kubernetes --namespace');
  expect(service.stderr).toContain('services "ado-api" not found');
  expect(secret.stderr).toContain('secrets "no" not found');
  expect(program.stderr).toContain('kubectl is not on PATH');
  expect([none.code, service.code, secret.code, program.code]).toEqual([5, 69, 4, 1]);
});

test('the doctor asks every cluster that a context names, and waits for none of them for long', async () => {
  await addContext();
  for (const [name, namespace] of [
    ['west', 'ado-west'],
    ['gone', 'silent'],
  ] as const)
    await runAdo(place, ['context', 'add', name, '--namespace', namespace]);
  const examine = async () => {
    const { code, stdout } = await runAdo(place, ['doctor', '-o', 'json']);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; found: string }[] };
    return { code, checks: checks.filter(({ name }) => name.startsWith('context ')) };
  };

  const began = Date.now();
  const first = await examine();
  const tookMs = Date.now() - began;
  writeFileSync(join(place.cwd, 'kubectl.log.down'), '');
  const second = await runAdo(place, ['--context', 'gone', 'doctor']);

  const there = { ok: true, fix: '' };
  expect(first.checks).toEqual([
    expect.objectContaining({ ...there, name: 'context kubernetes' }),
    expect.objectContaining({ ...there, name: 'context west', found: 'ado-west/ado-api' }),
    expect.objectContaining({
      name: 'context gone',
      ok: false,
      found: 'kubectl finds no service ado-api in namespace silent: no answer within 20 s',
      fix: expect.stringContaining('ado context remove gone') as string,
    }),
  ]);
  expect(first.code).toBe(1);
  expect(tookMs).toBeLessThan(50_000);
  expect(second.stdout).toMatch(/context west +kubectl finds no .*services "ado-api" not found/);
  expect(second.stdout).not.toMatch(/(ok|missing) +context gone/);
  expect(second.stdout).toMatch(/server +.*no answer within 20 s/);
});

test('a context is a URL or a release, and only one of them', async () => {
  const both = await addContext('--url', 'http://one.invalid');
  const neither = await runAdo(place, ['context', 'add', 'one', '--key', 'x']);
  const twoKeys = await addContext('--key', 'x');

  expect([both.code, neither.code, twoKeys.code]).toEqual([2, 2, 2]);
  expect(neither.stderr).toContain('--url');
  expect(twoKeys.stderr).toContain('give one of key, keyEnv and keySecret');
});

test('a pool is scaled by an upgrade that changes its number of workers only', async () => {
  await addContext('--kube-context', 'west');

  const scaled = await runAdo(place, ['--context', 'k8s', 'pools', 'scale', 'agents', '5']);
  const asJson = await runAdo(place, [
    '--context',
    'k8s',
    'pools',
    'scale',
    'spare',
    '0',
    '-o',
    'json',
  ]);

  const chart = join(checkoutRoot(), 'helm');
  const upgradeOf = (setting: string) => [
    ...['upgrade', 'ado', chart, '--reset-then-reuse-values', '--set', setting, '-o', 'json'],
    ...['--namespace', 'ado-system', '--kube-context', 'west'],
  ];
  expect(scaled.stdout).toBe(
    'Pool agents has 5 workers now, before 3 (release ado, revision 7).\n',
  );
  expect(scaled.stderr).toContain(`helm upgrade ado ${chart}`);
  expect(JSON.parse(asJson.stdout)).toEqual({
    ...{ pool: 'spare', before: 1, workers: 0, release: 'ado', revision: 7 },
  });
  expect(upgrades()).toEqual([
    upgradeOf('workerPools.agents.replicas=5'),
    upgradeOf('workerPools.spare.replicas=0'),
  ]);
});

test('an upgrade that meets an autoscaler at work is tried once more', async () => {
  await addContext();
  const env = { ...place.env, FAKE_HELM_CONFLICT: 'yes' };

  const scaled = await runAdo({ ...place, env }, [
    '--context',
    'k8s',
    'pools',
    'scale',
    'agents',
    '5',
  ]);

  expect(scaled.code).toBe(0);
  expect(upgrades()).toHaveLength(2);
});

test('what would change more, or nothing, is refused before anything is done', async () => {
  await addContext();
  const other = join(place.cwd, 'chart');
  mkdirSync(other);
  writeFileSync(join(other, 'Chart.yaml'), 'name: ado\nversion: 9.9.9\n');
  const scale = (context: string, ...words: readonly string[]) =>
    runAdo(place, ['--context', context, 'pools', 'scale', ...words]);

  const unknown = await scale('k8s', 'agent', '5');
  const autoscaled = await scale('k8s', 'models', '5');
  const negative = await scale('k8s', 'agents', '-1');
  const local = await scale('local', 'agents', '5');
  await addContext('--chart', 'chart');
  const chart = await scale('k8s', 'agents', '5');

  expect([unknown, autoscaled, negative, local, chart].map(({ code }) => code)).toEqual([
    2, 2, 2, 2, 2,
  ]);
  expect(unknown.stderr).toContain('did you mean "agents"?');
  expect(autoscaled.stderr).toContain('workerPools.models.autoscaling.min=');
  expect(local.stderr).toContain('The context local is no release on Kubernetes');
  expect(chart.stderr).toContain(`${other} is ado 9.9.9`);
  expect(() => upgrades()).toThrow('ENOENT');
});
