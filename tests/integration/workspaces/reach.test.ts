/**
 * What a program reaches of the worker: ports of its loopback that stand for Unix sockets, and a home folder that lasts.
 *   - bytes pass both ways, also large ones and after one side has ended; nothing else is reachable
 *   - streams, environment, exit code and the end at timeout are those of the program itself
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { processesWith } from '../../support/process-table.ts';
import { createWorld, endWorlds } from './world.ts';

const servers: { close(): unknown }[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  endWorlds();
});

/** A server of the worker; answers where it listens. */
async function serve(
  place: string | { host: string; port: number },
  answer: (socket: Socket) => void,
): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    answer(socket);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(place, resolve));
  return typeof place === 'string' ? 0 : (server.address() as AddressInfo).port;
}

/** Answers the hash of all that it was sent, once the other side has ended. */
function answerHash(socket: Socket): void {
  const hash = createHash('sha256');
  socket.on('data', (bytes: Buffer) => hash.update(bytes));
  socket.on('end', () => socket.end(hash.digest('hex')));
}

/** Asks a port of its loopback, in the words of Node.js. */
function ask(port: number, text: string): readonly string[] {
  const program = `const socket = require('net').connect(${port}, '127.0.0.1');
    socket.setEncoding('utf8').on('data', (said) => console.log(said)).on('error', (error) => {
      console.log(error.code); process.exit(9);
    });
    socket.end(${text});`;
  return ['node', '-e', program];
}

describe.each(['bubblewrap', 'none'] as const)('sandbox: %s', (sandbox) => {
  test('a port is the socket behind it, for a hundred megabytes too', async () => {
    const { prepare, sh, outside } = createWorld({ allowUnsandboxed: true });
    const workspace = await prepare('task');
    const socketPath = join(outside, 'hash.sock');
    await serve(socketPath, answerHash);
    const port = await freePort();

    const ran = await sh(workspace, '', {
      argv: ask(port, 'Buffer.alloc(100_000_000, "ado")'),
      reach: [{ port, socketPath }],
      sandbox,
    });

    const expected = createHash('sha256').update(Buffer.alloc(100_000_000, 'ado')).digest('hex');
    expect(ran).toMatchObject({ exitCode: 0, stdout: `${expected}\n`, stderr: '' });
  });

  test('streams, arguments, environment and exit code are those of the program', async () => {
    const { prepare, sh, outside } = createWorld({ allowUnsandboxed: true });
    const workspace = await prepare('task');
    const reach = [{ port: await freePort(), socketPath: join(outside, 'two.sock') }];
    await serve(join(outside, 'two.sock'), (socket) => socket.end());

    const ran = await sh(workspace, '', {
      argv: ['sh', '-c', 'cat; echo "$1$A" >&2; env | cut -d= -f1 | sort; exit 7', 'sh', ' -- x'],
      env: { A: '€' },
      input: 'given',
      reach,
      sandbox,
    });
    const plain = await sh(workspace, 'env | cut -d= -f1 | sort', { env: { A: '€' }, sandbox });
    const killed = await sh(workspace, 'kill -9 $$', { reach, sandbox });
    const missing = await sh(workspace, '', { argv: ['no-such-program'], reach, sandbox });

    expect(ran).toMatchObject({ exitCode: 7, stderr: ' -- x€\n' });
    expect(ran.stdout).toBe(`given${plain.stdout}`);
    expect(killed.exitCode).toBe(137);
    expect(missing.exitCode).toBe(127);
    expect(missing.stderr).toContain('cannot start no-such-program: ENOENT');
  });

  test('at its timeout a program ends with all that it has started', async () => {
    const { prepare, sh, outside } = createWorld({ allowUnsandboxed: true });
    const workspace = await prepare('task');
    const socketPath = join(outside, 'three.sock');
    await serve(socketPath, (socket) => socket.end());
    const mark = `304.${process.pid}`;

    const ran = await sh(workspace, `sleep ${mark} & echo started; sleep ${mark}`, {
      reach: [{ port: await freePort(), socketPath }],
      timeoutMs: 1_000,
      sandbox,
    });

    expect(ran).toMatchObject({ exitCode: undefined, timedOut: true, stdout: 'started\n' });
    expect(ran.durationMs).toBeLessThan(4_000);
    expect(processesWith(mark)).toEqual([]);
  });

  test('a home folder that is given lasts', async () => {
    const { prepare, sh, outside } = createWorld({ allowUnsandboxed: true });
    const workspace = await prepare('task');
    const home = join(outside, 'agent-home');
    mkdirSync(home);
    writeFileSync(join(home, 'settings'), 'mine');

    const ran = await sh(workspace, 'cat ~/settings; echo session > ~/state; ls -A ~', {
      home,
      sandbox,
    });

    expect(ran.stdout).toBe('minesettings\nstate\n');
    expect(readFileSync(join(home, 'state'), 'utf8')).toBe('session\n');
  });
});

test('beside its ports a program reaches nothing', async () => {
  const { prepare, sh, outside } = createWorld();
  const workspace = await prepare('task');
  const socketPath = join(outside, 'four.sock');
  await serve(socketPath, (socket) => socket.end('hello'));
  let connections = 0;
  const hostPort = await serve({ host: '127.0.0.1', port: 0 }, (socket) => {
    connections += 1;
    socket.destroy();
  });
  const reach = [{ port: hostPort === 8001 ? 8002 : 8001, socketPath }];

  const other = await sh(workspace, '', { argv: ask(hostPort, '"x"'), reach });
  const listed = await sh(workspace, `ls ${outside} /run/ado; echo x >/run/ado/relay.mts`, {
    reach,
  });

  expect(other).toMatchObject({ exitCode: 9, stdout: 'ECONNREFUSED\n' });
  expect(connections).toBe(0);
  expect(listed.stdout).toBe('/run/ado:\n0.sock\nrelay.mts\n');
  expect(listed.stderr).toContain('Read-only file system');
});

test('without a sandbox, a port that is taken ends the run with that reason', async () => {
  const { prepare, sh, outside } = createWorld({ allowUnsandboxed: true });
  const workspace = await prepare('task');
  const port = await serve({ host: '127.0.0.1', port: 0 }, (socket) => socket.end());

  const ran = await sh(workspace, 'echo started', {
    reach: [{ port, socketPath: join(outside, 'five.sock') }],
    sandbox: 'none',
  });

  expect(ran).toMatchObject({ exitCode: 126, stdout: '' });
  expect(ran.stderr).toBe(`ado: cannot listen on 127.0.0.1:${port}: EADDRINUSE\n`);
});

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
