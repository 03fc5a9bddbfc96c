import { createServer } from 'node:net';
import type { Server } from 'node:net';
import {
  choosePort,
  findFreePorts,
  findPortHolder,
  isPortFree,
  listensOn,
  loopback,
  usualPorts,
} from './ports.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map(async (server) => new Promise((resolve) => server.close(resolve))),
  );
});

async function occupy(port: number, host: string = loopback): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
}

const claim = (): boolean => true;

test('a port is taken also when a program listens on all addresses', async () => {
  const [port = 0] = await findFreePorts(1);
  expect(await isPortFree(port)).toBe(true);

  await occupy(port, '0.0.0.0');

  expect(await isPortFree(port)).toBe(false);
});

test('a port that is asked for and taken is an error that says by whom', async () => {
  const [asked = 0] = await findFreePorts(1);
  await occupy(asked);

  const choice = choosePort({ name: 'api', asked, claim });

  await expect(choice).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await expect(choice).rejects.toThrow(`pid ${process.pid}`);
});

test('the port of the last time is taken again when it is free', async () => {
  const [remembered = 0] = await findFreePorts(1);

  expect(await choosePort({ name: 'redis', remembered, claim })).toBe(remembered);
});

test('another port is taken when the last one is in use, never one that is claimed', async () => {
  const [remembered = 0] = await findFreePorts(1);
  await occupy(remembered);
  const first = await choosePort({ name: 'redis', remembered, claim });
  const notFirst = (port: number): boolean => port !== first;
  const second = await choosePort({ name: 'redis', remembered, claim: notFirst });

  expect(first).toBeGreaterThanOrEqual(usualPorts.redis);
  expect(second).toBeGreaterThan(first);
});

test('free ports are different ones', async () => {
  expect(new Set(await findFreePorts(9)).size).toBe(9);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('the holder of a port is found among all processes', async () => {
  const [port = 0, other = 0] = await findFreePorts(2);
  await occupy(port);

  expect(findPortHolder(port)?.pid).toBe(process.pid);
  expect(findPortHolder(other)).toBeUndefined();
  expect(listensOn(process.pid, port)).toBe(true);
  expect(listensOn(process.pid, other)).toBe(false);
});
