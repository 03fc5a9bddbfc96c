/**
 * What a program that may reach some hosts reaches: those, on their ports, at public addresses. Every other wish, by
 * whatever trick, opens no connection: a server on this machine that all names lead to counts them.
 */
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { startEgressProxy, type EgressDecision } from '../../../adapters/egress/egress-proxy.ts';
import { isPublicAddress } from '../../../adapters/egress/public-addresses.ts';
import { createWorkspaces } from '../../../adapters/workspaces/create-workspaces.ts';
import { createWorld, endWorlds } from './world.ts';

const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});
afterAll(endWorlds);

/** A server that stands for the hosts of the network. */
interface Site {
  readonly port: number;
  readonly connections: () => number;
  readonly requests: { url: string | undefined; host: string | undefined }[];
}

async function listening(server: Server): Promise<number> {
  opened.push(server);
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return (server.address() as AddressInfo).port;
}

/** Answers plain HTTP with `hello`. */
async function startSite(): Promise<Site> {
  let connections = 0;
  const requests: Site['requests'] = [];
  const server = createHttpServer((request, response) => {
    requests.push({ url: request.url, host: request.headers.host });
    response.end('hello');
  });
  server.on('connection', () => {
    connections += 1;
  });
  return { port: await listening(server), connections: () => connections, requests };
}

type Overrides = Parameters<typeof startEgressProxy>[2];

/** A proxy, and what it says to the bytes of a client. */
async function startProxy(allowHosts: readonly string[], overrides: Overrides = {}) {
  const { outside } = createWorld();
  const socketPath = join(outside, 'proxy.sock');
  const decisions: EgressDecision[] = [];
  const proxy = await startEgressProxy(socketPath, allowHosts, {
    resolve: () => Promise.resolve(['127.0.0.1']),
    isReachable: (address) => address === '127.0.0.1',
    onDecision: (decision) => decisions.push(decision),
    ...overrides,
  });
  opened.push(proxy);
  return { decisions, say: (bytes: string | Buffer) => say(socketPath, bytes) };
}

/** Sends bytes and answers all that comes back until the end, or for two seconds. */
function say(path: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const client = connect({ path });
    client.setEncoding('latin1').on('data', (text: string) => (said += text));
    client.on('error', () => undefined).on('close', () => resolve(said));
    client.setTimeout(2_000, () => client.destroy());
    client.write(bytes);
  });
}

const connectTo = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\n\r\n`;
const getUrl = (url: string, headers = 'Host: a.example.com\r\n'): string =>
  `GET ${url} HTTP/1.1\r\n${headers}\r\n`;

test.each([
  ['a status that there is not', 'HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n'],
  ['another one', 'HTTP/1.1 099 X\r\n\r\n'],
  ['another protocol', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nx'],
  ['broken chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['no HTTP', 'nothing of the kind'],
])('a host that answers with %s ends its connection, and nothing else', async (_name, answer) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).once('data', () => socket.end(answer));
  });
  const port = await listening(server);
  const site = await startSite();
  const { say: ask } = await startProxy([`a.example.com:${port}`, `a.example.com:${site.port}`]);

  const started = performance.now();
  const said = await ask(getUrl(`http://a.example.com:${port}/`));

  expect(said).toBe('');
  expect(performance.now() - started).toBeLessThan(10_000);
  expect(
    await ask(getUrl(`http://a.example.com:${site.port}/`, 'Host: a\r\nConnection: close\r\n')),
  ).toContain('hello');
});

test('a tunnel to an allowed host passes bytes both ways, and its end', async () => {
  const site = await startSite();
  const { say: ask, decisions } = await startProxy([`a.example.com:${site.port}`]);

  const said = await ask(
    `${connectTo(`A.example.com:${site.port}`)}GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
  );

  expect(said).toMatch(/^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK[^]*hello/);
  expect(decisions).toEqual([{ host: 'a.example.com', outcome: 'allowed', isFirst: true }]);
});

test('a plain request goes to the host of its URL, whatever its Host header says', async () => {
  const site = await startSite();
  const { say: ask } = await startProxy([`a.example.com:${site.port}`]);

  const said = await ask(
    getUrl(
      `http://a.example.com:${site.port}/x?y`,
      'Host: evil.example\r\nProxy-Authorization: Basic eA==\r\nConnection: close\r\n',
    ),
  );

  expect(said).toMatch(/^HTTP\/1\.1 200 OK[^]*hello/);
  expect(site.requests).toEqual([{ url: '/x?y', host: `a.example.com:${site.port}` }]);
});

/** `$PORT` is the site's, which one entry of the list allows; every name leads there. */
const corpus = [
  ['another host', connectTo('evil.example.com:$PORT')],
  ['another port', connectTo('a.example.com:22')],
  ['the port of TLS when another is listed', connectTo('a.example.com:443')],
  ['an address', connectTo('127.0.0.1:$PORT')],
  ['a decimal address', connectTo('2130706433:$PORT')],
  ['an octal address', connectTo('0177.0.0.1:$PORT')],
  ['a hexadecimal address', connectTo('0x7f000001:$PORT')],
  ['a short address', connectTo('127.1:$PORT')],
  ['zero', connectTo('0:$PORT')],
  ['an IPv6 address', connectTo('[::1]:$PORT')],
  ['a mapped address', connectTo('[::ffff:127.0.0.1]:$PORT')],
  ['an IPv6 address without brackets', connectTo('::1:$PORT')],
  ['localhost', connectTo('localhost:$PORT')],
  ['the metadata of a cloud', connectTo('metadata.google.internal:$PORT')],
  ['a dot at the end', connectTo('a.example.com.:$PORT')],
  ['a NUL byte', connectTo('evil.example\0.cdn.example.net:$PORT')],
  ['an encoded NUL byte', connectTo('evil.example%00.cdn.example.net:$PORT')],
  ['a newline', connectTo('a.example.com\n:$PORT')],
  ['a space', connectTo('evil.example a.example.com:$PORT')],
  ['a user', connectTo('a.example.com@evil.example:$PORT')],
  ['a user in front', connectTo('evil.example@a.example.com:$PORT')],
  ['punycode of a look-alike', connectTo('xn--exmple-cua.com:$PORT')],
  ['letters that are not ASCII', connectTo('ä.cdn.example.net:$PORT')],
  ['a path', connectTo('a.example.com:$PORT/x')],
  ['a path in front', connectTo('evil.example/a.example.com:$PORT')],
  ['a URL', connectTo('http://a.example.com:$PORT')],
  ['no port', connectTo('a.example.com')],
  ['a name that only ends like a listed one', connectTo('evilcdn.example.net:$PORT')],
  ['a listed name as part of another', connectTo('a.example.com.evil.example:$PORT')],
  ['a plain request for another host', getUrl('http://evil.example:$PORT/')],
  [
    'a plain request for another host in the name of a listed one',
    getUrl('http://evil.example:$PORT/', 'Host: a.example.com:$PORT\r\n'),
  ],
  ['a path with the Host header of a listed one', getUrl('/', 'Host: a.example.com:$PORT\r\n')],
  ['a plain request with a user', getUrl('http://a.example.com@127.0.0.1:$PORT/')],
  ['a plain request with a backslash', getUrl('http://a.example.com\\@127.0.0.1:$PORT/')],
  ['a plain request for an address', getUrl('http://2130706433:$PORT/')],
  ['a plain request on port 80', getUrl('http://a.example.com/')],
  ['a URL with TLS', getUrl('https://a.example.com:$PORT/')],
  ['a file', getUrl('file:///etc/passwd')],
  ['a SOCKS 5 greeting', '\u0005\u0001\u0000'],
  ['no HTTP at all', '\u0000\u0000\r\n\r\n'],
] as const;

test.each(corpus)('%s opens no connection', async (_name, words) => {
  const site = await startSite();
  const { say: ask } = await startProxy([
    `a.example.com:${site.port}`,
    `*.cdn.example.net:${site.port}`,
  ]);

  const said = await ask(words.replaceAll('$PORT', String(site.port)));

  expect(said).toMatch(/^HTTP\/1\.1 4\d\d /);
  expect(site.connections()).toBe(0);
});

test.each([
  ['127.0.0.1'],
  ['10.0.0.1'],
  ['169.254.169.254'],
  ['::1'],
  ['::ffff:127.0.0.1'],
  ['64:ff9b::7f00:1'],
  ['fd00:ec2::254'],
])('a listed name that leads to %s is refused, also beside a public address', async (address) => {
  const site = await startSite();
  const decisions: EgressDecision[] = [];
  const { outside } = createWorld();
  for (const [place, addresses] of [[address], ['192.88.98.1', address]].entries()) {
    const socketPath = join(outside, `${place}.sock`);
    const proxy = await startEgressProxy(socketPath, [`a.example.com:${site.port}`], {
      // What may be reached is as a worker has it: public addresses.
      resolve: () => Promise.resolve(addresses),
      onDecision: (decision) => decisions.push(decision),
    });
    opened.push(proxy);

    expect(await say(socketPath, connectTo(`a.example.com:${site.port}`))).toMatch(/ 403 /);
  }

  expect(site.connections()).toBe(0);
  expect(decisions.map(({ outcome }) => outcome)).toEqual(['private-address', 'private-address']);
});

describe("a name of the operator's", () => {
  const port = 8_443;
  /** What becomes of a connection to a host that leads to these addresses. */
  const outcomeOf = async (host: string, addresses: readonly string[]) => {
    const { say: ask, decisions } = await startProxy([`npm.corp.example:${port}`], {
      resolve: () => Promise.resolve(addresses),
      isReachable: isPublicAddress,
      privateHosts: ['npm.corp.example', 'unlisted.corp.example'],
      connectTimeoutMs: 200,
    });
    await ask(connectTo(`${host}:${port}`));
    return decisions.map(({ outcome }) => outcome);
  };

  test.each(['10.255.255.1', 'fd12:3456::1'])('may lead to %s', async (address) => {
    const [outcome] = await outcomeOf('npm.corp.example', [address]);

    // Whether anybody answers there is the network's matter.
    expect(['allowed', 'unreachable']).toContain(outcome);
  });

  test.each([
    ...['127.0.0.1', '::1', '0.0.0.0', '169.254.169.254', 'fe80::1', '100.100.100.200'],
    ...['168.63.129.16', 'fd00:ec2::254', '::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::'],
  ])('may not lead to %s, also beside a private one', async (address) => {
    for (const addresses of [[address], ['10.255.255.1', address]])
      expect(await outcomeOf('npm.corp.example', addresses)).toEqual(['private-address']);
  });

  test('is for tasks that name it, and for no other name', async () => {
    expect(await outcomeOf('unlisted.corp.example', ['10.255.255.1'])).toEqual(['not-listed']);
    expect(await outcomeOf('a.npm.corp.example', ['10.255.255.1'])).toEqual(['not-listed']);
  });
});

test('a name that changes its mind after it was looked at gains nothing', async () => {
  const site = await startSite();
  let looks = 0;
  const { say: ask } = await startProxy([`a.example.com:${site.port}`], {
    // The first answer may be reached, every later one is the site of this machine.
    resolve: () => Promise.resolve([looks++ === 0 ? '127.0.0.77' : '127.0.0.1']),
    isReachable: (address) => address === '127.0.0.77',
  });

  await ask(connectTo(`a.example.com:${site.port}`));
  const second = await ask(connectTo(`a.example.com:${site.port}`));

  expect(looks).toBe(2);
  expect(second).toContain(' 403 ');
  expect(site.connections()).toBe(0);
});

test('a name without an address, and a host that does not answer, are told', async () => {
  const nobody = createServer();
  const port = await listening(nobody);
  opened.pop();
  await new Promise((resolve) => nobody.close(resolve));
  const silent = await startProxy([`a.example.com:${port}`]);
  const unknown = await startProxy(['a.example.com'], {
    resolve: () => Promise.reject(new Error('ENOTFOUND')),
  });

  expect(await silent.say(connectTo(`a.example.com:${port}`))).toContain(' 502 ');
  expect(await unknown.say(connectTo('a.example.com:443'))).toContain(' 502 ');
  expect([...silent.decisions, ...unknown.decisions].map(({ outcome }) => outcome)).toEqual([
    'unreachable',
    'unresolved',
  ]);
});

test('a run has so many bytes and connections, and no more', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(Buffer.alloc(1_000_000, 'x'));
  });
  const port = await listening(server);
  const { say: ask, decisions } = await startProxy([`a.example.com:${port}`], {
    maxBytes: 100_000,
    maxConnections: 1,
  });

  const [first, second] = await Promise.all([
    ask(connectTo(`a.example.com:${port}`)),
    ask(connectTo(`a.example.com:${port}`)),
  ]);
  const third = await ask(connectTo(`a.example.com:${port}`));

  expect(first.length).toBeLessThan(400_000);
  expect(second).toContain(' 429 ');
  expect(third).toContain(' 429 ');
  expect(decisions.map(({ outcome }) => outcome)).toEqual(['exhausted', 'allowed', 'exhausted']);
});

test('a silent connection ends', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined));
  const port = await listening(server);
  const { say: ask } = await startProxy([`a.example.com:${port}`], { idleTimeoutMs: 200 });
  const started = performance.now();

  await ask(connectTo(`a.example.com:${port}`));

  expect(performance.now() - started).toBeLessThan(10_000);
});

test('a program in the sandbox reaches its allowed hosts by the usual variables, and nothing else', async () => {
  const site = await startSite();
  const { outside, homeDir, dataDir, repository, baseCommit } = createWorld();
  const decisions: EgressDecision[] = [];
  const workspaces = createWorkspaces({
    ...{ homeDir, dataDir: join(dataDir, 'second'), allowUnsandboxed: false },
    toolPath: process.env['PATH'] ?? '',
    crashpoint: () => Promise.resolve(),
    egress: {
      resolve: () => Promise.resolve(['127.0.0.1']),
      isReachable: () => true,
      onDecision: (decision) => decisions.push(decision),
    },
  });
  opened.push(workspaces);
  const key = 'task';
  const workspace = await workspaces.prepare({
    ...{ key, repository, baseCommit, headCommit: baseCommit, branch: 'ado/task' },
  });
  // Git is the client: it is there wherever ado is.
  const gitAsks = (host: string): string =>
    `git ls-remote http://${host}:${site.port}/repository 2>&1`;
  const direct = `git -c http.proxy= ls-remote http://127.0.0.1:${site.port}/direct 2>&1`;

  const ran = await workspaces.run(workspace, {
    argv: [
      'sh',
      '-c',
      `${gitAsks('a.example.com')}; ${gitAsks('b.example.com')}; ${direct}; ls ${outside}`,
    ],
    allowHosts: [`a.example.com:${site.port}`],
    sandbox: 'bubblewrap',
    timeoutMs: 30_000,
  });

  expect(site.requests[0]?.url).toBe('/repository/info/refs?service=git-upload-pack');
  expect(new Set(site.requests.map(({ host }) => host))).toEqual(
    new Set([`a.example.com:${site.port}`]),
  );
  expect(decisions.filter(({ outcome }) => outcome === 'allowed')).toHaveLength(site.connections());
  expect(decisions).toContainEqual({ host: 'b.example.com', outcome: 'not-listed', isFirst: true });
  expect(ran.stdout).toContain('error: 403');
  expect(ran.stdout).toMatch(/Failed to connect to 127\.0\.0\.1|Couldn.t connect to server/);
});
