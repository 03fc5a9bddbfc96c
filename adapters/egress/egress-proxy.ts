/**
 * The egress proxy: the one way out of a sandbox, for one run of a program, over a Unix socket.
 *
 * It runs in the worker, not in the sandbox, and speaks what HTTP clients speak to a proxy: CONNECT, and plain requests
 * with a whole URL. A destination is matched against the list of the task (allowed-hosts.ts), resolved here, and every
 * address that its name has must be public (public-addresses.ts), or private for a name that the operator has said this of;
 * the connection goes to one of those very addresses, so
 * a name that changes its mind in between gains nothing. What is said inside of an allowed connection nobody sees: whoever
 * serves an allowed host serves whatever they like, also in the name of others (domain fronting).
 *
 * Bounds: connections at once, bytes of a run, silence. All that is open ends with the run.
 */
import { lookup } from 'node:dns/promises';
import {
  createServer,
  request as sendRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { isAllowed, readAuthority, readPlainUrl, type Destination } from './allowed-hosts.ts';
import { isPrivateAddress, isPublicAddress } from './public-addresses.ts';

/** What became of a wish to reach a host. */
export const egressOutcomes = [
  'allowed',
  'malformed',
  'not-listed',
  'unresolved',
  'private-address',
  'unreachable',
  'exhausted',
] as const;
export type EgressOutcome = (typeof egressOutcomes)[number];

/** One decision. The host is an agent's text, cut to the length of the longest name. */
export interface EgressDecision {
  readonly host: string;
  readonly outcome: EgressOutcome;
  /** Whether this run had no such decision yet; of hundreds of different ones the later ones count as known. */
  readonly isFirst: boolean;
}

/** How far a proxy goes, and what it takes for the network; the defaults are what a worker uses. */
export interface EgressSettings {
  /** All addresses of a name. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  readonly isReachable: (address: string) => boolean;
  /** Names of the operator that may lead to private addresses too. */
  readonly privateHosts: readonly string[];
  readonly onDecision: (decision: EgressDecision) => void;
  readonly maxConnections: number;
  /** Of one run, both ways together. */
  readonly maxBytes: number;
  readonly connectTimeoutMs: number;
  /** A connection on which nothing was said for so long is ended. */
  readonly idleTimeoutMs: number;
}

const defaults: EgressSettings = {
  resolve: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  isReachable: isPublicAddress,
  privateHosts: [],
  onDecision: () => undefined,
  // npm opens 15 at once, cargo and go about as many.
  maxConnections: 128,
  // The dependencies of a large repository, several times over.
  maxBytes: 8 * 1024 ** 3,
  connectTimeoutMs: 15_000,
  // Longer than what registries and models are silent for.
  idleTimeoutMs: 300_000,
};

/** Different decisions of a run that are told apart. */
const maxKnown = 200;

/** A proxy that listens. */
export interface EgressProxy {
  /** Ends everything that is open. */
  close(): void;
}

/** Words for a person who reads the output of a program that was refused. */
const explanations = {
  malformed: [400, 'what was asked for is not a host and a port'],
  'not-listed': [403, 'this task may not reach it: it is not among its allowed hosts'],
  'private-address': [
    403,
    'its name leads to an address that is not public (docs/sandbox.md, ADO_EGRESS_PRIVATE_HOSTS)',
  ],
  unresolved: [502, 'its name has no address'],
  unreachable: [502, 'it does not answer'],
  exhausted: [429, 'this run has used up the connections or the bytes that it may have'],
} as const satisfies Record<Exclude<EgressOutcome, 'allowed'>, readonly [number, string]>;

/** A wish that was not granted. */
class Refusal extends Error {
  readonly outcome: Exclude<EgressOutcome, 'allowed'>;
  readonly status: number;

  constructor(outcome: Exclude<EgressOutcome, 'allowed'>, host: string) {
    const [status, why] = explanations[outcome];
    super(`ado: no connection to ${printable(host)}: ${why}`);
    this.outcome = outcome;
    this.status = status;
  }
}

/** Starts a proxy for one run. */
export async function startEgressProxy(
  socketPath: string,
  allowHosts: readonly string[],
  overrides: Partial<EgressSettings> = {},
): Promise<EgressProxy> {
  const settings = { ...defaults, ...overrides };
  const far = new Set<Socket>();
  const known = new Set<string>();
  /** Those that are being opened count too. */
  let taken = 0;
  let bytesLeft = settings.maxBytes;

  /** Opens a connection to where a client wants to go. @throws Refusal */
  const reach = async (asked: string, destination: Destination | undefined): Promise<Socket> => {
    const decide = (outcome: EgressOutcome): void => {
      const host = printable(destination?.host ?? asked);
      const isFirst = known.size < maxKnown && !known.has(`${outcome} ${host}`);
      if (isFirst) known.add(`${outcome} ${host}`);
      settings.onDecision({ host, outcome, isFirst });
    };
    try {
      if (destination === undefined) throw new Refusal('malformed', asked);
      const { host } = destination;
      if (!isAllowed(allowHosts, destination)) throw new Refusal('not-listed', host);
      if (bytesLeft <= 0 || taken >= settings.maxConnections) throw new Refusal('exhausted', host);
      taken += 1;
      const socket = await openChecked(destination, settings).catch((error: unknown) => {
        taken -= 1;
        throw error;
      });
      far.add(socket);
      socket.on('close', () => {
        taken -= 1;
        far.delete(socket);
      });
      socket.setTimeout(settings.idleTimeoutMs, () => socket.destroy());
      decide('allowed');
      return socket;
    } catch (error) {
      if (error instanceof Refusal) decide(error.outcome);
      throw error;
    }
  };
  /** Counts what passes; at the end of the allowance the connection ends. */
  const meter = (stream: Readable, socket: Socket): void => {
    stream.on('data', (bytes: Buffer) => {
      bytesLeft -= bytes.length;
      if (bytesLeft < 0) socket.destroy();
    });
  };

  const server = createServer();
  // A program that opens more than it can use must not take the worker's descriptors.
  server.maxConnections = 2 * settings.maxConnections;
  const near = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    near.add(socket);
    socket.on('close', () => near.delete(socket));
    socket.on('error', () => socket.destroy());
  });

  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const asked = request.url ?? '';
    reach(asked, readAuthority(asked)).then(
      (socket) => {
        if (client.destroyed) return void socket.destroy();
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.write(head);
        join(client, socket);
        meter(client, socket);
        meter(socket, socket);
      },
      (error: unknown) => client.end(refusalText(error)),
    );
  });

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const asked = request.url ?? '';
    const destination = readPlainUrl(asked);
    reach(asked, destination).then(
      (socket) => {
        const { host = '', port = 80, path = '/' } = destination ?? {};
        const onward = sendRequest({
          // The client's own Host header says nothing here.
          headers: { ...passedOn(request.headers), host: port === 80 ? host : `${host}:${port}` },
          ...{ method: request.method, path, setHost: false },
          // Used as long as no agent is named, be it `false`.
          createConnection: () => socket,
        });
        onward.on('response', (answer) => {
          const { statusCode = 0 } = answer;
          // Node.js reads such a status, and throws when it is to write it.
          if (statusCode < 100) return void onward.destroy(new Error(`status ${statusCode}`));
          response.writeHead(statusCode, passedOn(answer.headers));
          answer.pipe(response);
          meter(answer, socket);
          answer.on('error', () => response.destroy());
        });
        // Another protocol was not asked for.
        onward.on('upgrade', (_answer, socket) => {
          socket.destroy();
          response.destroy();
        });
        onward.on('error', () => response.destroy());
        response.on('close', () => onward.destroy());
        request.pipe(onward);
        meter(request, socket);
      },
      (error: unknown) => {
        const { status, message } = asRefusal(error);
        response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
        response.end(`${message}\n`);
      },
    );
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    close() {
      server.close();
      for (const socket of [...near, ...far]) socket.destroy();
    },
  };
}

/** Connects to a name all of whose addresses may be reached. @throws Refusal */
async function openChecked(destination: Destination, settings: EgressSettings): Promise<Socket> {
  const { host } = destination;
  const addresses = await settings.resolve(host).catch(() => []);
  if (addresses.length === 0) throw new Refusal('unresolved', host);
  const isOwn = settings.privateHosts.includes(host);
  const mayReach = (address: string): boolean =>
    settings.isReachable(address) || (isOwn && isPrivateAddress(address));
  if (!addresses.every(mayReach)) throw new Refusal('private-address', host);
  return open(destination, addresses, settings.connectTimeoutMs);
}

/** Connects to one of the addresses that were looked at, never to what the name stands for by now. @throws Refusal */
function open(
  { host, port }: Destination,
  addresses: readonly string[],
  timeoutMs: number,
): Promise<Socket> {
  const known = addresses.map((address) => ({ address, family: isIP(address) }));
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host, port, allowHalfOpen: true, noDelay: true, autoSelectFamily: true },
      lookup: (_host, _options, answer) => answer(null, known),
    });
    const giveUp = (): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Refusal('unreachable', host));
    };
    const timer = setTimeout(giveUp, timeoutMs);
    socket.on('error', giveUp);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** Joins two streams; what one has said is delivered after its end too, an error of one ends the other. */
function join(near: Duplex, far: Socket): void {
  near.pipe(far);
  far.pipe(near);
  near.on('error', () => far.destroy());
  near.on('close', () => far.destroySoon());
  far.on('error', () => near.destroy());
  far.on('close', () => near.end());
}

/** Headers that are for the next one on the way, and not for the other end. */
const hopByHop = [
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'te', 'trailer'],
  ...['proxy-authorization', 'transfer-encoding', 'upgrade', 'expect', 'host'],
];

function passedOn(headers: IncomingMessage['headers']): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.includes(name) && !named.includes(name)),
  );
}

function asRefusal(error: unknown): Pick<Refusal, 'status' | 'message'> {
  return error instanceof Refusal ? error : new Refusal('unreachable', '');
}

function refusalText(error: unknown): string {
  const { status, message } = asRefusal(error);
  const head = `HTTP/1.1 ${status} ${message}\r\ncontent-type: text/plain\r\nconnection: close`;
  return `${head}\r\ncontent-length: ${message.length + 1}\r\n\r\n${message}\n`;
}

/** A host as it may stand in a log or a header: nothing but visible ASCII. */
function printable(text: string): string {
  return text.slice(0, 260).replace(/[^\x21-\x7e]/g, '?');
}
