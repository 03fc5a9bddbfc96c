/** This machine's end of the tunnels that a node has to services on the loopback address. */
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { loopback } from '../../../cli/dev/ports.ts';

/** Hands connections to `PORT.sock` in a folder to that port; answers what ends it. */
export async function openTunnels(folder: string, ports: readonly number[]): Promise<() => void> {
  const open = new Set<Socket>();
  const servers: Server[] = [];
  for (const port of ports) {
    const server = createServer((connection) => {
      open.add(connection);
      connection.once('close', () => open.delete(connection));
      pipe(connection, connect(port, loopback));
    });
    servers.push(server);
    await once(server.listen(join(folder, `${String(port)}.sock`)), 'listening');
  }
  return () => {
    for (const server of servers) server.close();
    for (const connection of open) connection.destroy();
  };
}

/** Joins two connections, which end together. */
export function pipe(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to);
    from.on('error', () => undefined);
    from.once('close', () => to.destroy());
  }
}
