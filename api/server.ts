/** The HTTP server around the application: its times, and how it stops. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../contracts/errors.ts';

/** A server that listens. */
export interface RunningServer {
  readonly port: number;
  /** Ends every connection with its next answer, so that clients open new ones, elsewhere. Requests are taken as before. */
  drain(): void;
  /** Stops accepting, lets requests under way finish within the time given, then cuts off what is left. */
  close(graceMs: number): Promise<void>;
}

/** Starts to listen; port 0 takes any free one. @throws PORT_TAKEN */
export async function startServer(
  listener: RequestListener,
  address: { readonly host: string; readonly port: number },
): Promise<RunningServer> {
  const server = createServer(
    {
      // A client that sends its request a byte at a time holds a connection no longer than this.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      // Above the 60 s of common load balancers, so that they and not we end an idle connection.
      keepAliveTimeout: 65_000,
    },
    listener,
  );
  let isDraining = false;
  // Before the application, which may send the headers.
  server.prependListener('request', (_request, response) => {
    if (isDraining) response.setHeader('connection', 'close');
  });
  // close() ends the connections that are idle by then; those that become idle later would stay for their keep-alive.
  server.on('request', (_request, response) => {
    response.once('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections());
    });
  });
  server.listen(address.port, address.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw toListenError(error, address);
  }
  return {
    port: (server.address() as AddressInfo).port,
    drain() {
      isDraining = true;
    },
    async close(graceMs) {
      const closed = once(server, 'close');
      server.close();
      const late = setTimeout(() => {
        server.closeAllConnections();
      }, graceMs);
      await closed;
      clearTimeout(late);
    },
  };
}

function toListenError(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE') return error;
  return new AppError(
    'PORT_TAKEN',
    `The API cannot listen on ${host}:${port}: the port is in use.`,
    {
      cause: error,
    },
  );
}
