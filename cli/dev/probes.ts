/** Short questions over the network that tell whether a service answers. None throws; none takes longer than its time. */
import { connect as connectHttp2 } from 'node:http2';
import { get } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Local services answer in milliseconds; one that needs a second does not do its work. */
const defaultTimeoutMs = 1_000;

/** Answers whether a GET gives status 200. */
export async function answersHttp(url: string, timeoutMs = defaultTimeoutMs): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('timeout', () => {
      request.destroy();
    });
    request.once('error', () => {
      resolve(false);
    });
    request.once('close', () => {
      resolve(false);
    });
  });
}

/**
 * Answers whether a PostgreSQL listens: it is asked whether it speaks TLS, which it answers with one letter before any
 * user or password is named.
 */
export async function answersPostgres(url: string, timeoutMs = defaultTimeoutMs): Promise<boolean> {
  const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
  const address = findAddress(url, 5432);
  if (address === undefined) return false;
  const question = { question: sslRequest, isWhole: (data: Buffer) => data.length > 0 };
  const answer = await exchange(connectTcp(address), question, timeoutMs);
  return answer !== undefined && ['S', 'N'].includes(answer.toString('latin1', 0, 1));
}

/** What a Redis tells about itself. */
export interface RedisInfo {
  readonly version: string;
  readonly pid: number;
}

/** Asks a Redis for its version and pid; undefined when it does not answer, is loading, or wants a password. */
export async function findRedisInfo(
  url: string,
  timeoutMs = defaultTimeoutMs,
): Promise<RedisInfo | undefined> {
  const address = findAddress(url, 6379);
  if (address === undefined) return undefined;
  const { username, password, protocol } = new URL(url);
  const words = [decodeURIComponent(username), decodeURIComponent(password)].filter(
    (word) => word !== '',
  );
  const login = password === '' ? '' : respCommand(['AUTH', ...words]);
  const socket =
    protocol === 'rediss:'
      ? connectTls({ ...address, servername: address.host })
      : connectTcp(address);
  const question = Buffer.from(login + respCommand(['INFO', 'server']));
  const isWhole = (data: Buffer): boolean =>
    /process_id:\d+\r\n/.test(data.toString()) || /^-/m.test(data.toString());
  const answer = (await exchange(socket, { question, isWhole }, timeoutMs))?.toString() ?? '';
  const version = /(?:valkey|redis)_version:([\d.]+)/.exec(answer)?.[1];
  const pid = /process_id:(\d+)/.exec(answer)?.[1];
  return version === undefined || pid === undefined ? undefined : { version, pid: Number(pid) };
}

function respCommand(words: readonly string[]): string {
  const bulk = words.map((word) => `$${String(Buffer.byteLength(word))}\r\n${word}\r\n`);
  return `*${String(words.length)}\r\n${bulk.join('')}`;
}

/** Answers whether a Temporal frontend serves workflows (its standard gRPC health service says SERVING). */
export async function isTemporalServing(
  address: string,
  timeoutMs = defaultTimeoutMs,
): Promise<boolean> {
  const service = Buffer.from('temporal.api.workflowservice.v1.WorkflowService');
  const request = Buffer.concat([Buffer.from([0x0a, service.length]), service]);
  const answer = await callGrpc(
    address,
    { path: '/grpc.health.v1.Health/Check', message: request },
    timeoutMs,
  );
  return answer?.equals(Buffer.from([0x08, 0x01])) ?? false;
}

/** Asks a Temporal server for its version; null when it answers without telling, undefined when it does not answer. */
export async function findTemporalVersion(
  address: string,
  timeoutMs = defaultTimeoutMs,
): Promise<string | null | undefined> {
  const path = '/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo';
  const answer = await callGrpc(address, { path, message: Buffer.alloc(0) }, timeoutMs);
  if (answer === undefined) return (await answersTcp(address, timeoutMs)) ? null : undefined;
  // Field 1 of the answer, a string: its tag, its length in one byte, its letters.
  const lengthBytes = answer[0] === 0x0a ? (answer[1] ?? 0) : 0;
  return lengthBytes === 0 ? null : answer.toString('utf8', 2, 2 + lengthBytes);
}

/** Answers whether somebody accepts connections at `host:port`. */
async function answersTcp(address: string, timeoutMs: number): Promise<boolean> {
  const target = findAddress(`tcp://${address}`, 7233);
  if (target === undefined) return false;
  return new Promise((resolve) => {
    const socket = connectTcp(target);
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => undefined);
    socket.once('close', () => {
      resolve(false);
    });
  });
}

/** One gRPC call without TLS; gives the answer's message, or undefined when there is none. */
async function callGrpc(
  address: string,
  { path, message }: { readonly path: string; readonly message: Buffer },
  timeoutMs: number,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let session: ReturnType<typeof connectHttp2>;
    try {
      session = connectHttp2(`http://${address}`);
    } catch {
      resolve(undefined); // Not an address.
      return;
    }
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      resolve(answer);
      session.destroy();
    };
    const timer = setTimeout(() => {
      finish(undefined);
    }, timeoutMs);
    session.once('error', () => {
      finish(undefined);
    });
    const call = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    call.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
    });
    call.once('error', () => {
      finish(undefined);
    });
    // A message stands behind one byte of flags and four of length.
    call.once('end', () => {
      const data = Buffer.concat(chunks);
      finish(data.length < 5 ? undefined : data.subarray(5, 5 + data.readUInt32BE(1)));
    });
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    call.end(Buffer.concat([prefix, message]));
  });
}

interface Exchange {
  readonly question: Buffer;
  /** Answers whether what came so far is all that was asked for. */
  readonly isWhole: (answer: Buffer) => boolean;
}

/** Sends bytes and collects the answer until it is whole; undefined when it never is. */
async function exchange(
  socket: Socket,
  { question, isWhole }: Exchange,
  timeoutMs: number,
): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    socket.setTimeout(timeoutMs, () => socket.destroy());
    socket.once('error', () => undefined);
    socket.once('close', () => {
      resolve(undefined);
    });
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (!isWhole(answer)) return;
      resolve(answer);
      socket.destroy();
    });
    socket.write(question);
  });
}

function findAddress(url: string, usualPort: number): { host: string; port: number } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host: host === '' ? 'localhost' : host, port: port === '' ? usualPort : Number(port) };
}
