/** Log lines of the servers: JSON, one event name each, to stderr. */
import {
  destination,
  pino,
  stdSerializers,
  stdTimeFunctions,
  type DestinationStream,
  type Logger,
} from 'pino';
import { findScope } from './scope.ts';

export type { Logger };

/** Fields that may carry a secret, at the top and one level down. Their values are never written. */
const secrets = [
  'authorization',
  'apiKey',
  'key',
  'password',
  'secret',
  'token',
  'databaseUrl',
  'redisUrl',
];

/**
 * The logger of one process. Usage: object first, then the event's name (`log.info({ taskId }, 'task-started')`).
 * @param target where lines go; stderr, written synchronously so that a killed process loses none
 */
export function createLogger(
  options: { readonly process: 'api' | 'worker'; readonly level: string },
  target: DestinationStream = destination({ fd: 2, sync: true }),
): Logger {
  return pino(
    {
      level: options.level,
      base: { process: options.process },
      timestamp: stdTimeFunctions.isoTime,
      // What the line is written for: `taskId`, `requestId`, the trace.
      mixin() {
        const scope = findScope();
        if (scope === undefined) return {};
        const { ids, span } = scope;
        return span === undefined ? ids : { ...ids, traceId: span.traceId, spanId: span.spanId };
      },
      formatters: { level: (label) => ({ level: label }) },
      // Temporal's SDK says `error` where pino expects `err`; without this it would be written as {}.
      serializers: { error: stdSerializers.err },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    target,
  );
}
