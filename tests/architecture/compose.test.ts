// docker-compose.yml is the platform that `ado dev` would start, for those who run it in Docker.
//   - Temporal is set up as the embedded one is
//   - what a service waits for can be waited for, and nothing waits in a circle
//   - ado's processes are told only what they read, and get the time that they need to end
//   - no secret has a default, and nothing listens beyond this machine
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { tunedSettings } from '../../cli/dev/services/temporal.ts';
import { environmentSchema } from '../../config/environment.ts';
import { searchAttributes } from '../../contracts/names.ts';

interface Service {
  readonly command?: string[];
  readonly depends_on?: Record<string, { condition: string }>;
  readonly environment?: Record<string, string | number>;
  readonly healthcheck?: { disable?: boolean };
  readonly image: string;
  readonly ports?: string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly configs: Record<string, { content: string }>;
}

const file = fileURLToPath(new URL('../../docker-compose.yml', import.meta.url));
const text = readFileSync(file, 'utf8');
// The password is a variable that has to be set: what Compose would ask for is a plain string here.
const { services, configs } = parse(text, { merge: true }) as Compose;
const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');

const ownServices = Object.values(services).filter(({ image }) => image.includes('ADO_IMAGE'));

test('Temporal in Docker has the settings of the embedded server', () => {
  const content = parse(configs['temporal']?.content ?? '') as Record<string, unknown>;

  const expected = Object.entries(tunedSettings).map(([key, value]) => [key, [{ value }]]);
  expect(content).toEqual(Object.fromEntries(expected));
});

test('Temporal in Docker knows every search attribute', () => {
  const script = services['temporal-namespace']?.command?.join('\n') ?? '';

  const names = /for name in (.*); do/.exec(script)?.[1]?.split(' ');
  expect(names).toEqual(Object.values(searchAttributes));
});

test('every service has a health check, or ends by itself', () => {
  const neither = Object.keys(services).filter(
    (name) => !hasHealthCheck(services[name]) && !endsByItself(services[name]),
  );

  expect(neither).toEqual([]);
});

test('what a service waits for can come, and comes before it', () => {
  const edges = Object.entries(services).flatMap(([name, service]) =>
    Object.entries(service.depends_on ?? {}).map(([to, { condition }]) => ({
      name,
      to,
      condition,
    })),
  );
  const inVain = edges.filter(({ to, condition }) =>
    condition === 'service_healthy' ? !hasHealthCheck(services[to]) : !endsByItself(services[to]),
  );

  expect(edges.length).toBeGreaterThan(0);
  expect(inVain).toEqual([]);
  for (const name of ['api', 'worker'])
    expect(startedBefore(name)).toEqual(
      new Set([
        'migrate',
        'postgres',
        'redis',
        'temporal',
        'temporal-namespace',
        'temporal-schema',
      ]),
    );
});

test("ado's processes are given only variables that they read", () => {
  const known = Object.keys(environmentSchema.shape);
  const given = ownServices.flatMap(({ environment }) => Object.keys(environment ?? {}));

  expect(given).toContain('DATABASE_URL');
  expect(given.filter((name) => !known.includes(name))).toEqual([]);
});

test('a worker is killed only after its grace, and the 5 s for what ignores its end', () => {
  const { environment, stop_grace_period: period = '' } = services['worker'] ?? {};

  const graceMs = Number(environment?.['ADO_SHUTDOWN_GRACE_MS']);
  expect(Number(/^(\d+)s$/.exec(period)?.[1]) * 1_000).toBeGreaterThanOrEqual(graceMs + 10_000);
});

test('secrets have no default, and ports are those of this machine', () => {
  const secrets = [...text.matchAll(/\$\{(\w*(?:PASSWORD|API_KEY))([^}]*)\}/g)];
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);

  expect(new Set(secrets.map(([, name]) => name))).toEqual(
    new Set(['POSTGRES_PASSWORD', 'ADO_API_KEY']),
  );
  expect(secrets.filter(([, , rest]) => rest?.startsWith(':?') !== true)).toEqual([]);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;
if (!hasCompose) process.stderr.write('Docker Compose is not here: its own check is skipped.\n');
(hasCompose ? test : test.skip)('Docker Compose finds nothing wrong', () => {
  const env = { ...process.env, POSTGRES_PASSWORD: 'p', ADO_API_KEY: 'k' };

  const { stderr } = spawnSync('docker', ['compose', '-f', file, 'config', '--quiet'], {
    env,
    encoding: 'utf8',
  });

  expect(stderr).toBe('');
});

/** Whether Docker can tell that a service does its work; the check of ado's own is in the image. */
function hasHealthCheck(service: Service | undefined): boolean {
  if (service === undefined || service.healthcheck?.disable === true) return false;
  const inImage = ownServices.includes(service) && /^HEALTHCHECK /m.test(dockerfile);
  return service.healthcheck !== undefined || inImage;
}

function endsByItself(service: Service | undefined): boolean {
  return service?.restart === 'no';
}

/** All that a service waits for, directly or not. @throws Error when it waits for itself */
function startedBefore(name: string, waiting: readonly string[] = []): Set<string> {
  if (waiting.includes(name)) throw new Error([...waiting, name].join(' waits for '));
  const before = Object.keys(services[name]?.depends_on ?? {});
  return new Set(before.flatMap((other) => [other, ...startedBefore(other, [...waiting, name])]));
}
