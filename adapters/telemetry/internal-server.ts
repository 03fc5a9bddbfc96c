/** The internal port of a server process: metrics for Prometheus, health for an orchestrator. Never for users. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.ts';

/** What the port shows. */
export interface InternalServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: Pick<Metrics, 'read'>;
  /** Whether the process can do its work now. */
  readonly isReady: () => boolean | Promise<boolean>;
}

/** A listening internal port. */
export interface InternalServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`, `/health/live` and `/health/ready` (503 until the process is ready).
 * @throws the error of `listen` when the port is taken
 */
export async function startInternalServer(options: InternalServerOptions): Promise<InternalServer> {
  const server = createServer((request, response) => {
    answer(options, request.url ?? '/', response).catch((error: unknown) => {
      reply(response, 500, 'text/plain', error instanceof Error ? error.message : 'error');
    });
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  options: InternalServerOptions,
  url: string,
  response: ServerResponse,
): Promise<void> {
  switch (url) {
    case '/metrics': {
      const { contentType, text } = await options.metrics.read();
      reply(response, 200, contentType, text);
      return;
    }
    case '/health/live':
      reply(response, 200, 'application/json', '{"status":"ok"}');
      return;
    case '/health/ready': {
      const ready = await options.isReady();
      reply(
        response,
        ready ? 200 : 503,
        'application/json',
        `{"status":"${ready ? 'ok' : 'starting'}"}`,
      );
      return;
    }
    default:
      reply(response, 404, 'text/plain', 'not found');
  }
}

function reply(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType }).end(body);
}
