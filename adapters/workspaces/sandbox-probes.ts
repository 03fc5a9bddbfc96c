/** Programs that try to reach the network from a sandbox, and to take more of the machine than they may. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { defaultSandboxLimits, type SandboxLimits } from '../../config/sandbox-limits.ts';
import { AppError } from '../../contracts/errors.ts';
import type { EgressOutcome, EgressSettings } from '../egress/egress-proxy.ts';
import { withEgress } from './egress-route.ts';
import type { HostView } from './host-view.ts';
import type { Exit, Launcher } from './launcher.ts';
import { relayedInside } from './relay.ts';
import { launchInSandbox } from './run-sandboxed.ts';
import type { SandboxRequest } from './sandbox.ts';

/** A program that is held does not take a second; this is for a machine that is very busy. */
const probeTimeoutMs = 60_000;
/**
 * So long a program has to be above its bound before that counts as no bound: ten looks of the launcher at their rarest.
 * Counted from when it is there, as on a busy machine it may take seconds to get there. One that is held never waits so
 * long.
 */
const aboveBoundSeconds = 20;

/** What all probes are run with. */
export interface Probing {
  readonly launcher: Launcher;
  readonly host: HostView;
  /** Folder that they may write to. */
  readonly tree: string;
}

/** Runs one probe and answers what it said. @throws SANDBOX_UNAVAILABLE */
export async function runProbe(
  { launcher, host, tree }: Probing,
  {
    argv,
    limits = host.limits,
    ...request
  }: Pick<SandboxRequest, 'env' | 'files' | 'mounts'> & {
    readonly argv: readonly string[];
    readonly limits?: SandboxLimits;
  },
): Promise<{ readonly exit: Exit; readonly said: string }> {
  const output: Uint8Array[] = [];
  const exit = await launchInSandbox(
    launcher,
    { ...host, limits },
    {
      argv,
      request: { readOnly: [], writable: [tree], workDir: tree, ...request },
      timeoutMs: probeTimeoutMs,
      onOutput: (_stream, bytes) => output.push(bytes),
    },
  );
  if (exit.timedOut) throw unfinished('it did not end in time');
  return { exit, said: Buffer.concat(output).toString().trim() };
}

function unfinished(why: string): AppError {
  return new AppError('SANDBOX_UNAVAILABLE', `A probe of the sandbox found out nothing: ${why}`);
}

const mebibyte = 1_048_576;

/** Answers which bounds a program can go above. @throws SANDBOX_UNAVAILABLE */
export async function probeBounds(probing: Probing): Promise<readonly string[]> {
  const [ofFiles, ofMemory, ofProcesses] = await Promise.all([
    runProbe(probing, {
      argv: ['sh', '-c', `head -c ${4 * mebibyte} /dev/zero >large`],
      env: {},
      limits: { ...defaultSandboxLimits, fileBytes: mebibyte },
    }).then(() => stat(join(probing.tree, 'large'))),
    runProbe(probing, {
      argv: [
        ...['sh', '-c'],
        `held=$(head -c ${48 * mebibyte} /dev/zero | tr '\\0' x); sleep ${aboveBoundSeconds}; echo "held \${#held}"`,
      ],
      env: {},
      limits: { ...defaultSandboxLimits, memoryBytes: 24 * mebibyte },
    }),
    runProbe(probing, {
      argv: [
        ...['sh', '-c'],
        `n=0; while [ $n -lt 60 ]; do sleep 600 & n=$((n + 1)); done; sleep ${aboveBoundSeconds}; echo all of them`,
      ],
      env: {},
      limits: { ...defaultSandboxLimits, processes: 40 },
    }),
  ]);
  const isHeld = ofMemory.exit.killedBy === 'memory';
  if (!isHeld && !ofMemory.said.startsWith('held ')) throw unfinished(ofMemory.said.slice(-500));
  return [
    ...(ofFiles.size > mebibyte ? ['the size of files has no limit'] : []),
    ...(isHeld ? [] : ['memory has no limit']),
    // Whoever is not root is not even let start as many.
    ...(ofProcesses.said.includes('all of them') ? ['the number of processes has no limit'] : []),
  ];
}

/** A name of no host: what it leads to is said here. */
const listedHost = 'listed.ado.invalid';

/** What is asked of the proxy, and why it has to refuse that; the host's listener is behind all of them. */
const refusals = [
  ['unlisted.ado.invalid', 'not-listed', 'hosts outside the list of a task can be reached'],
  ['127.0.0.1', 'malformed', 'addresses can be reached'],
  [listedHost, 'private-address', 'private addresses can be reached by a name on the list'],
] as const satisfies readonly (readonly [string, EgressOutcome, string])[];

/** Tries to get to listeners of the host, first by itself and then through the proxy, whose worker may be busy. */
const networkProbe = `
const { connect } = require('node:net');
const { PROBE_PORT: port, PROBE_SOCKET: socket, HTTPS_PROXY: proxy } = process.env;
const say = (place, words) => new Promise((resolve) => {
  const client = connect(place);
  client.setTimeout(words === undefined ? 5_000 : 15_000, () => client.destroy());
  client.on('connect', () => (words === undefined ? resolve('connected') : client.write(words)));
  client.on('data', (bytes) => resolve(String(bytes).split('\\r\\n')[0]));
  client.on('error', () => undefined).on('close', () => resolve(''));
});
const direct = {
  'a port of the host can be reached': { host: '127.0.0.1', port: Number(port) },
  'a socket of the host can be reached': { path: '\\0' + socket },
};
const main = async () => {
  const links = Object.values(require('node:os').networkInterfaces()).flat();
  if (links.some(({ internal }) => !internal)) console.log('there is a network');
  for (const [leak, place] of Object.entries(direct)) if (await say(place)) console.log(leak);
  const { hostname: host, port: proxyPort } = new URL(proxy);
  for (const name of ${JSON.stringify(refusals.map(([name]) => name))}) {
    const answer = await say({ host, port: Number(proxyPort) }, 'CONNECT ' + name + ':' + port + ' HTTP/1.1\\r\\n\\r\\n');
    if (!answer.startsWith('HTTP/1.1 ')) throw new Error('the proxy answered ' + JSON.stringify(answer));
  }
  console.log('sealed');
};
void main();
`;

/** Answers what of the network a program reaches that may reach one host. @throws SANDBOX_UNAVAILABLE */
export async function probeNetwork(
  probing: Probing,
  egress: Partial<EgressSettings> = {},
): Promise<readonly string[]> {
  const socket = `ado-probe-${randomBytes(8).toString('hex')}`;
  const servers: Server[] = [];
  const listen = async (place: { port: number; host: string } | { path: string }) => {
    const server = createServer((client) => client.destroy());
    servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject).listen(place, resolve);
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };
  try {
    const port = await listen({ port: 0, host: '127.0.0.1' });
    await listen({ path: `\0${socket}` });
    const outcomes = new Set<EgressOutcome>();
    const { said } = await withEgress(
      {
        argv: [process.execPath, '-e', networkProbe],
        env: { PROBE_PORT: String(port), PROBE_SOCKET: socket },
        allowHosts: [`${listedHost}:${port}`],
        sandbox: 'bubblewrap',
        timeoutMs: probeTimeoutMs,
      },
      {
        ...egress,
        resolve: () => Promise.resolve(['127.0.0.1']),
        onDecision: ({ outcome }) => outcomes.add(outcome),
      },
      ({ argv, env = {}, reach = [] }) =>
        runProbe(probing, {
          ...relayedInside(argv, reach),
          env,
          // Two times Node.js, whatever a worker's programs may use.
          limits: defaultSandboxLimits,
        }),
    );
    const lines = said.split('\n');
    if (lines.at(-1) !== 'sealed') throw unfinished(said.slice(-500));
    const unrefused = refusals.filter(([, outcome]) => !outcomes.has(outcome));
    return [...lines.slice(0, -1), ...unrefused.map(([, , leak]) => leak)];
  } finally {
    for (const server of servers) server.close();
  }
}
