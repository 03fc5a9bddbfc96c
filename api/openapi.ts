/** The OpenAPI 3.1 document, printed from the route table. */
import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  zodToOpenAPIRegistry,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { batchSchema, planSchema, submitBatchSchema } from '../contracts/batch.schema.ts';
import { errorKinds, type ErrorCode } from '../contracts/errors.ts';
import { eventSchema } from '../contracts/event.schema.ts';
import {
  changesSomething,
  problemMediaType,
  routes,
  type AnswerKind,
  type Route,
  type RouteName,
} from '../contracts/http.schema.ts';
import { problemSchema } from '../contracts/problem.schema.ts';
import { messageSchema, stepSchema } from '../contracts/step.schema.ts';
import { submitTaskSchema, taskSchema } from '../contracts/task.schema.ts';

/** Schemas with a name of their own in the document; all others are written out where they are used. */
const named = {
  Task: taskSchema,
  SubmitTask: submitTaskSchema,
  Batch: batchSchema,
  SubmitBatch: submitBatchSchema,
  Plan: planSchema,
  Step: stepSchema,
  Message: messageSchema,
  Event: eventSchema,
  Problem: problemSchema,
};

const mediaTypes: Readonly<Record<AnswerKind, string>> = {
  json: 'application/json',
  text: 'text/plain',
  events: 'text/event-stream',
};

const idempotencyKey = z
  .string()
  .min(1)
  .max(255)
  .optional()
  .describe('Makes the call safe to repeat: the same key and body answer the first result.');
const lastEventId = z
  .int()
  .min(0)
  .optional()
  .describe('Goes on after this event; wins over `after`.');

/** Builds the document for a version of ado. */
export function buildOpenApi(version: string) {
  for (const [refId, schema] of Object.entries(named)) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- Marked so as a warning only (its words). register() names a copy, which the schemas that contain the original do not know.
    zodToOpenAPIRegistry.add(schema, { _internal: { refId } });
  }
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key: `Authorization: Bearer ado_…`.',
  });
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    registry.registerPath({
      operationId: name,
      method: route.method,
      path: route.path.replaceAll(/:(\w+)/g, '{$1}'),
      summary: route.summary,
      ...(route.scope === undefined ? {} : { description: `Needs the scope \`${route.scope}\`.` }),
      security: route.scope === undefined ? [] : [{ key: [] }],
      request: requestOf(route),
      responses: responsesOf(route),
    });
  }
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'ado',
      version,
      description:
        'Durable agent tasks. A 202 means that the request is committed in PostgreSQL and will be carried out. ' +
        'Every error is a problem document (RFC 9457) whose `code` is a word of docs/errors.md.',
    },
  });
}

function requestOf(route: Route) {
  return {
    ...(route.params === undefined ? {} : { params: route.params as z.ZodObject }),
    ...(route.query === undefined ? {} : { query: route.query as z.ZodObject }),
    ...(route.body === undefined
      ? {}
      : {
          body: {
            required: !route.body.safeParse({}).success,
            content: { 'application/json': { schema: route.body } },
          },
        }),
    headers: headersOf(route),
  };
}

function headersOf(route: Route): z.ZodObject {
  return z.object({
    ...(route.idempotent === true ? { 'Idempotency-Key': idempotencyKey } : {}),
    ...(route.answer === 'events' ? { 'Last-Event-ID': lastEventId } : {}),
  });
}

/** One answer a status: codes that share a status are listed together. */
function responsesOf(route: Route) {
  const codes: ErrorCode[] = [
    ...(route.scope === undefined
      ? []
      : (['KEY_MISSING', 'KEY_INVALID', 'SCOPE_MISSING'] as const)),
    'INVALID_REQUEST',
    ...(route.body === undefined ? [] : (['BODY_TOO_LARGE'] as const)),
    ...(changesSomething(route) ? (['READ_ONLY'] as const) : []),
    ...route.errors,
    ...(route.scope === undefined ? [] : (['STORE_UNAVAILABLE'] as const)),
    'INTERNAL',
  ];
  const statuses = new Set(codes.map((code) => errorKinds[code].http));
  const failures = Object.fromEntries(
    [...statuses].map((status) => [
      String(status),
      {
        description: codes
          .filter((code) => errorKinds[code].http === status)
          .map((code) => `\`${code}\`: ${errorKinds[code].meaning}`)
          .join(' '),
        content: { [problemMediaType]: { schema: problemSchema } },
      },
    ]),
  );
  return {
    [String(route.status)]: {
      description: route.status === 202 ? 'Accepted.' : 'Done.',
      content: { [mediaTypes[route.answer]]: { schema: route.response } },
    },
    ...failures,
  };
}
