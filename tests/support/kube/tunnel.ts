/** The ends of the tunnels between a node and this machine. */
import { createServer as createHttpServer } from 'node:http';
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

/** Listens on a Unix socket, and connects whoever asks there by HTTP's CONNECT to an address of this network. */
export function takeConnects(path: string): void {
  createHttpServer()
    .on('connect', (request, connection: Socket) => {
      const { hostname, port } = new URL(`http://${request.url ?? ''}`);
      const target = connect(Number(port), hostname);
      target.once('connect', () => connection.write('HTTP/1.1 200 OK\r\n\r\n'));
      pipe(connection, target);
    })
    .listen(path);
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
