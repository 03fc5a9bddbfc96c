/**
 * TCP ports on the loopback address. Ports are chosen below 32768: above it the kernel hands them out to outgoing
 * connections, and one of those could sit on a part's port while the part is being restarted.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { AppError } from '../../contracts/errors.ts';

/** The address that everything of the embedded platform listens on. */
export const loopback = '127.0.0.1';

/** What a part listens on, by name, with the port it has when nothing else is there. */
export const usualPorts = {
  api: 3000,
  'api-metrics': 9464,
  'worker-metrics': 9465,
  temporal: 7233,
  'temporal-ui': 8233,
  postgres: 5432,
  redis: 6379,
} as const;

/** One listening place of the platform. */
export type PortName = keyof typeof usualPorts;

/** Chosen ports, by name. */
export type Ports = Readonly<Partial<Record<PortName, number>>>;

const lastPort = 32_767;

/**
 * Answers whether nothing listens on a port of the loopback address. The kernel's table is read where there is one:
 * trying to listen would for a moment take the port from the part that is about to.
 */
export async function isPortFree(port: number): Promise<boolean> {
  if (socketTable() !== '') return listeningInodes(port).size === 0;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: loopback, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}

/** Who listens on a port, as far as this user may know. */
export interface PortHolder {
  readonly pid: number;
  readonly program: string;
}

/** Finds the process that listens on a port; undefined when there is none, or the system does not tell. */
export function findPortHolder(port: number): PortHolder | undefined {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return undefined;
  for (const pid of listPids()) {
    if (!hasSocket(pid, inodes)) continue;
    return { pid, program: readText(`/proc/${String(pid)}/comm`).trim() };
  }
  return undefined;
}

/**
 * Answers whether a process itself listens on a port. Where the system does not tell, it is believed: the
 * question only guards against another program that took the port in the moment between choosing and binding it.
 */
export function listensOn(pid: number, port: number): boolean {
  if (socketTable() === '') return true;
  return hasSocket(pid, listeningInodes(port));
}

function listeningInodes(port: number): Set<string> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const listening = '0A';
  const rows = socketTable()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const ours = rows.filter((row) => (row[1] ?? '').endsWith(wanted) && row[3] === listening);
  return new Set(ours.map((row) => row[9] ?? ''));
}

/** The kernel's table of TCP sockets; empty where the system has none. */
function socketTable(): string {
  return readText('/proc/net/tcp') + readText('/proc/net/tcp6');
}

function hasSocket(pid: number, inodes: ReadonlySet<string>): boolean {
  const folder = `/proc/${String(pid)}/fd`;
  let descriptors: string[];
  try {
    descriptors = readdirSync(folder);
  } catch {
    return false; // Gone, or another user's.
  }
  return descriptors.some((descriptor) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${descriptor}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    } catch {
      return false;
    }
  });
}

function listPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** What decides a part's port. */
export interface PortWish {
  readonly name: PortName;
  /** Asked for by the user: this one or an error. */
  readonly asked?: number | undefined;
  /** Used the last time: taken again if free, so that addresses people noted stay right. */
  readonly remembered?: number | undefined;
  /** Claims a port before anything listens on it; false when somebody else has claimed it, and it is passed over. */
  readonly claim: (port: number) => boolean;
}

/**
 * Chooses a port: the one asked for, else the last one, else the usual one, else the next free one above it.
 * @throws PORT_TAKEN when the port that was asked for is in use
 */
export async function choosePort(wish: PortWish): Promise<number> {
  if (wish.asked !== undefined) {
    if ((await isPortFree(wish.asked)) && wish.claim(wish.asked)) return wish.asked;
    throw new AppError('PORT_TAKEN', takenMessage(wish.name, wish.asked));
  }
  const usual = usualPorts[wish.name];
  const candidates = wish.remembered === undefined ? [] : [wish.remembered];
  for (let port = usual; port <= lastPort && port < usual + 1_000; port += 1) candidates.push(port);
  for (const port of candidates) {
    if ((await isPortFree(port)) && wish.claim(port)) return port;
  }
  throw new AppError(
    'PORT_TAKEN',
    `No port from ${String(usual)} to ${String(usual + 999)} is free for ${wish.name}.`,
  );
}

function takenMessage(name: PortName, port: number): string {
  const holder = findPortHolder(port);
  const who =
    holder === undefined ? 'another program' : `${holder.program} (pid ${String(holder.pid)})`;
  return `Port ${String(port)}, asked for ${name}, is in use by ${who}. Stop it, name another port, or name none and a free one is chosen.`;
}

/** Finds several free ports at once, in a random part of a range that nothing usual lives in. For tests. */
export async function findFreePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  let port = 20_000 + Math.floor(Math.random() * 10_000);
  while (found.length < count) {
    if (await isPortFree(port)) found.push(port);
    port = port >= lastPort ? 20_000 : port + 1;
  }
  return found;
}
