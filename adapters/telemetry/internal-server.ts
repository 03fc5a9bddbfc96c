/** The internal port of a server process: metrics for Prometheus, health and scaling for an orchestrator. Never for users. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { codeOf } from '../../contracts/errors.ts';
import { scalingSchema, type PoolState } from '../../contracts/fleet.schema.ts';
import type { Metrics } from './metrics.ts';

/** What the port shows. */
export interface InternalServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly metrics: Pick<Metrics, 'read'>;
  /** Whether the process can do its work now. */
  readonly isReady: () => boolean | Promise<boolean>;
  /** Where the process knows the pools: then `/internal/scaling/pools/<pool>` tells what a pool is scaled by. */
  readonly lookAtPools?: () => Promise<readonly PoolState[]>;
}

/** A listening internal port. */
export interface InternalServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`, `/health/live`, `/health/ready` (503 unless the process is ready) and, where it is known, the
 * scaling of pools. A figure that cannot be had is a 503 that says why, never a zero.
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
        `{"status":"${ready ? 'ok' : 'not ready'}"}`,
      );
      return;
    }
    default:
      if (options.lookAtPools !== undefined && url.startsWith(scalingPath)) {
        await answerScaling(options.lookAtPools, url.slice(scalingPath.length), response);
        return;
      }
      reply(response, 404, 'text/plain', 'not found');
  }
}

const scalingPath = '/internal/scaling/pools/';

async function answerScaling(
  lookAtPools: () => Promise<readonly PoolState[]>,
  name: string,
  response: ServerResponse,
): Promise<void> {
  try {
    const seen = await lookAtPools();
    const pool = seen.find((one) => one.name === name);
    if (pool !== undefined) {
      reply(response, 200, 'application/json', JSON.stringify(scalingSchema.parse(pool)));
      return;
    }
    const names = seen.map((one) => one.name).join(', ');
    reply(response, 404, 'text/plain', `no such pool; there are ${names}`);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    const { message } = error as Error;
    reply(response, 503, 'text/plain', `${codeOf(error) ?? ''}: ${message}`);
  }
}

function reply(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { 'content-type': contentType }).end(body);
}
