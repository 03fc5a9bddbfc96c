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

const censor = '[redacted]';

/** What looks like a key or a password wherever it stands: ours, those of providers, bearer tokens, passwords in URLs. */
const keyLike =
  /\bado_[a-z]+_[A-Za-z0-9]{8,}_[A-Za-z0-9]{8,}|\b(?:sk|pk|rk|gsk|xai|hf)[-_][\w.-]{8,}|\bAIza[\w-]{8,}|\bBearer\s+[\w.~+/=-]+|(?<=:\/\/[^\s:/@"]*:)[^\s/@"]+(?=@)/g;

/** Fields that may carry a secret, at the top and one level down. Their values are never written. */
const secretFields = [
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
 * The logger of one process. What looks like a credential, or is one of `secrets`, is written nowhere. Usage: object first,
 * then the event's name (`log.info({ taskId }, 'task-started')`).
 * @param target where lines go; stderr, written synchronously so that a killed process loses none
 */
export function createLogger(
  options: {
    readonly process: 'api' | 'worker';
    readonly level: string;
    /** Values that this process was given and that nobody may read in a log. */
    readonly secrets: readonly string[];
  },
  target: DestinationStream = destination({ fd: 2, sync: true }),
): Logger {
  // As they stand in JSON.
  const secretTexts = options.secrets.map((secret) => JSON.stringify(secret).slice(1, -1));
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
      hooks: {
        // The whole line, as secrets also stand in the middle of messages and stacks.
        streamWrite: (line) =>
          secretTexts
            .reduce((text, secret) => text.replaceAll(secret, censor), line)
            .replace(keyLike, censor),
      },
      // Temporal's SDK says `error` where pino expects `err`; without this it would be written as {}.
      serializers: { error: stdSerializers.err },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor },
    },
    target,
  );
}
