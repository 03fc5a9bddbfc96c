/** Sends an answer the way the script wants it: whole or as a stream, slowly, late, cut, or with an error in its midst. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOutcome } from './call-log.ts';
import type { Fault } from './script.ts';
import { noUsage } from './usage.ts';
import type { Usage } from './usage.ts';
import type { Headers, Reply, WireError, WireFormat } from './wire-format.ts';

/** What is to be sent, and how. */
export interface Shipment {
  readonly format: WireFormat;
  readonly reply: Reply;
  readonly stream: boolean;
  readonly headers: Headers;
  readonly fault: Fault | undefined;
  /** Called once, with what was produced, just before the client can know that this is all. */
  readonly onProduced: (produced: Usage) => void;
}

/** What became of it. */
export interface Delivery {
  readonly outcome: CallOutcome;
  /** Events sent, where that was not all. */
  readonly event?: number;
  readonly produced: Usage;
  readonly told: Usage | null;
}

/**
 * What was sent has to be read before the connection goes: clients drop what lies in their buffers when they meet the
 * end of a connection. Measured with Node's fetch, which needs some milliseconds on a busy machine.
 */
const lingerMs = 250;

/** Sends an answer. It is never an error that the client has left. */
export async function deliver(response: ServerResponse, shipment: Shipment): Promise<Delivery> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { fault, reply, onProduced } = shipment;
  if (fault?.lateMs !== undefined && !(await pause(fault.lateMs, gone.signal))) {
    onProduced(reply.usage);
    return { outcome: 'lost', event: 0, produced: reply.usage, told: null };
  }
  return shipment.stream
    ? sendStream(response, shipment, gone.signal)
    : sendWhole(response, shipment, gone.signal);
}

async function sendWhole(
  response: ServerResponse,
  { format, reply, headers, fault, onProduced }: Shipment,
  gone: AbortSignal,
): Promise<Delivery> {
  const produced = reply.usage;
  if (!(await pause(dueMs(fault, produced), gone))) {
    onProduced(produced);
    return { outcome: 'lost', produced, told: null };
  }
  const failure = toWireError(fault, reply);
  const body = JSON.stringify(
    failure === undefined ? format.toBody(reply) : format.toErrorBody(failure),
  );
  onProduced(failure === undefined ? produced : noUsage);
  if (fault?.cutAtEvent === 0) {
    response.destroy();
    return { outcome: 'cut', event: 0, produced, told: null };
  }
  const length = String(Buffer.byteLength(body));
  response.writeHead(200, {
    ...headers,
    'content-type': 'application/json',
    'content-length': length,
  });
  if (fault?.cutAtEvent !== undefined) {
    await write(response, body.slice(0, body.length / 2));
    await sleep(lingerMs);
    response.destroy();
    return { outcome: 'cut', event: fault.cutAtEvent, produced, told: null };
  }
  const arrived = await finish(response, body);
  if (failure !== undefined)
    return { outcome: 'error-event', event: 0, produced: noUsage, told: null };
  return arrived
    ? { outcome: 'delivered', produced, told: produced }
    : { outcome: 'lost', produced, told: null };
}

async function sendStream(
  response: ServerResponse,
  { format, reply, headers, fault, onProduced }: Shipment,
  gone: AbortSignal,
): Promise<Delivery> {
  const events = format.toEvents(reply);
  const stop = findStop(fault, events.length);
  const stateAt = (sent: number): Pick<Delivery, 'produced' | 'told'> => ({
    produced: events[sent - 1]?.produced ?? { ...reply.usage, outputTokens: 0, reasoningTokens: 0 },
    told: events.slice(0, sent).findLast(({ told }) => told !== undefined)?.told ?? null,
  });

  const contentType = 'text/event-stream; charset=utf-8';
  response.writeHead(200, { ...headers, 'content-type': contentType, 'cache-control': 'no-cache' });
  response.flushHeaders();
  const startedMs = performance.now();
  let held = '';
  let written = 0;
  for (const [index, { frame, produced }] of events.slice(0, stop.event).entries()) {
    if (!(await pause(startedMs + dueMs(fault, produced) - performance.now(), gone))) {
      onProduced(stateAt(written).produced);
      return { outcome: 'lost', event: written, ...stateAt(written) };
    }
    held += frame;
    // The last piece goes out with the end; without a pace everything does.
    if (!isPaced(fault) || index === stop.event - 1) continue;
    await write(response, held);
    held = '';
    written = index + 1;
  }

  const state = stateAt(stop.event);
  onProduced(state.produced);
  if (stop.by === 'cut') {
    if (held !== '') await write(response, held);
    await sleep(lingerMs);
    response.destroy();
    return { outcome: 'cut', event: stop.event, ...state };
  }
  const failure = stop.by === 'error' ? toWireError(fault, reply) : undefined;
  const last = failure === undefined ? '' : format.toErrorFrame(failure, stop.event);
  if (!(await finish(response, held + last))) {
    return {
      outcome: 'lost',
      event: written,
      produced: state.produced,
      told: stateAt(written).told,
    };
  }
  if (failure === undefined) return { outcome: 'delivered', ...state };
  return { outcome: 'error-event', event: stop.event, ...state };
}

interface Stop {
  readonly by: 'end' | 'cut' | 'error';
  /** Events before it. */
  readonly event: number;
}

/** Where a stream stops: at its end, or where the script says. */
function findStop(fault: Fault | undefined, length: number): Stop {
  const cut = fault?.cutAtEvent;
  const error = fault?.errorAtEvent?.event;
  if (cut !== undefined && cut <= (error ?? Infinity))
    return { by: 'cut', event: Math.min(cut, length) };
  if (error !== undefined) return { by: 'error', event: Math.min(error, length) };
  return { by: 'end', event: length };
}

function isPaced(fault: Fault | undefined): boolean {
  return fault?.firstTokenMs !== undefined || fault?.tokensPerSecond !== undefined;
}

/** When so much output is there, counted from the beginning of the answer. */
function dueMs(fault: Fault | undefined, { outputTokens }: Usage): number {
  const { firstTokenMs = 0, tokensPerSecond = Infinity } = fault ?? {};
  return firstTokenMs + (outputTokens / tokensPerSecond) * 1_000;
}

function toWireError(fault: Fault | undefined, { model }: Reply): WireError | undefined {
  return fault?.errorAtEvent === undefined ? undefined : { ...fault.errorAtEvent, model };
}

/** Waits; false when the client left meanwhile. */
async function pause(ms: number, gone: AbortSignal): Promise<boolean> {
  if (ms > 0) await sleep(ms, undefined, { signal: gone }).catch(() => undefined);
  return !gone.aborted;
}

/** Hands a text to the connection, and waits until it took it or is gone. */
async function write(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.write(text, () => {
      response.off('close', resolve);
      resolve();
    });
  });
}

/** Sends the last of a response; answers whether the connection took all of it. */
export async function finish(response: ServerResponse, text: string): Promise<boolean> {
  if (response.destroyed) return false;
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.end(text, resolve);
  });
  return response.writableFinished;
}
