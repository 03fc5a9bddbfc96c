/** Tells workflows that are started which span they come from. */
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { toTraceparent, traceHeader } from '../../contracts/trace.ts';
import { findScope } from '../telemetry/scope.ts';

/** For a client; without a span around the call it changes nothing. */
export const traceStarts: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => next(withOrigin(input)),
  signalWithStart: (input, next) => next(withOrigin(input)),
};

function withOrigin<Input extends { readonly headers: object }>(input: Input): Input {
  const span = findScope()?.span;
  if (span === undefined) return input;
  const origin = defaultPayloadConverter.toPayload(toTraceparent(span));
  return { ...input, headers: { ...input.headers, [traceHeader]: origin } };
}
