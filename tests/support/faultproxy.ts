/** A TCP proxy that does to a connection what a bad network does: it is down, slow, or loses the answer to what was done. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { loopback } from '../../cli/dev/ports.ts';

/** What the proxy does to what passes through it. */
export type Fault =
  | { readonly kind: 'none' }
  /** Nobody listens, and connections are cut. */
  | { readonly kind: 'down' }
  /** Everything is late by this much, in both directions. */
  | { readonly kind: 'latency'; readonly delayMs: number }
  /** Every n-th answer that holds these bytes never arrives: the connection is cut in its place. */
  | { readonly kind: 'lose-answer'; readonly holding: Buffer; readonly every: number };

/** PostgreSQL's word that a transaction is committed: CommandComplete with the tag COMMIT. */
export const commitAnswer = Buffer.from('C\0\0\0\x0bCOMMIT\0', 'latin1');

/** A proxy in front of one port. */
export interface FaultProxy {
  readonly port: number;
  /** Answers lost so far. */
  readonly lost: () => number;
  readonly setFault: (fault: Fault) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts a proxy to a port of this machine. */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  let fault: Fault = { kind: 'none' };
  let seen = 0;
  let lost = 0;
  const sockets = new Set<Socket>();

  const losesAnswer = (chunk: Buffer): boolean => {
    if (fault.kind !== 'lose-answer' || !chunk.includes(fault.holding)) return false;
    seen += 1;
    if (seen % fault.every !== 0) return false;
    lost += 1;
    return true;
  };

  const carry = (from: Socket, to: Socket, isAnswer: boolean): void => {
    from.on('data', (chunk) => {
      if (isAnswer && losesAnswer(chunk)) {
        from.destroy();
        to.destroy();
      } else if (fault.kind === 'latency') {
        setTimeout(() => {
          if (to.writable) to.write(chunk);
        }, fault.delayMs);
      } else {
        to.write(chunk);
      }
    });
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };

  const server = createServer((client) => {
    const target = connect({ host: loopback, port: targetPort, noDelay: true });
    client.setNoDelay();
    for (const socket of [client, target]) sockets.add(socket);
    carry(client, target, false);
    carry(target, client, true);
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, loopback);
    await once(server, 'listening');
  };
  const shut = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };

  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    lost: () => lost,
    setFault: async (next) => {
      fault = next;
      if (next.kind === 'down' && server.listening) await shut();
      if (next.kind !== 'down' && !server.listening) await listen(port);
    },
    close: async () => {
      if (server.listening) await shut();
    },
  };
}

/** The same address with another port. */
export function throughPort(url: string, port: number): string {
  const address = new URL(url);
  address.port = String(port);
  return address.href;
}
