/**
 * An API that listens, answers by the route table and streams events, and in which tests decide what happens. Requests
 * and answers are held against the table's schemas, so that a command that sends or reads something else fails.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Approval, DecideApproval } from '../../contracts/approval.schema.ts';
import type { Batch, SubmitBatch } from '../../contracts/batch.schema.ts';
import { AppError } from '../../contracts/errors.ts';
import type { ErrorCode, Problem } from '../../contracts/errors.ts';
import type { Event, NewEvent } from '../../contracts/event.schema.ts';
import type { RouteName } from '../../contracts/http.schema.ts';
import type { Message, Step } from '../../contracts/step.schema.ts';
import { defaultMaxCostMicroUsd, type SubmitTask, type Task } from '../../contracts/task.schema.ts';
import { isFinal } from '../../contracts/task-status.ts';
import {
  answerProblem,
  asksFor,
  findRoute,
  fits,
  page,
  parse,
  plan,
  readBody,
} from './fake-http.ts';
import type { FoundRoute } from './fake-http.ts';
import { aBatch, aTask } from './fake-work.ts';

/** A request as it arrived. */
export interface SeenRequest {
  readonly route: RouteName;
  readonly headers: IncomingMessage['headers'];
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a request is answered with in place of the usual: an error, or nothing but a closed connection. */
export type Trouble =
  { readonly code: ErrorCode; readonly problems?: readonly Problem[] } | 'hang-up';

/** The key that the fake knows. */
export const fakeKey = 'ado_test_fake_secret';

/** The fake. Its maps may be read and changed by tests at any time. */
export class FakeApi {
  readonly tasks = new Map<string, Task>();
  readonly batches = new Map<string, Batch>();
  readonly approvals = new Map<string, Approval>();
  readonly events = new Map<string, Event[]>();
  readonly steps = new Map<string, Step[]>();
  readonly messages = new Map<string, Message[]>();
  readonly diffs = new Map<string, string>();
  readonly logs = new Map<string, string>();
  readonly seen: SeenRequest[] = [];
  /** Answers of routes that no work goes through, as the test wants them. */
  readonly answers: Partial<Record<RouteName, (call: Parsed) => unknown>> = {};
  /** Called when a task or batch was accepted. */
  onAccepted: (id: string) => void = () => undefined;
  #server: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Set<() => void>();
  readonly #troubles = new Map<RouteName, Trouble[]>();
  readonly #claims = new Map<string, string>();

  /** Begins to listen; after a stop, on the same port. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Stops as a killed process does: every connection breaks. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    this.dropConnections();
    await closed;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Breaks every connection; the next one is answered. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Answers the next call of a route with trouble; several calls queue up. */
  trouble(route: RouteName, trouble: Trouble): void {
    this.#troubles.set(route, [...(this.#troubles.get(route) ?? []), trouble]);
  }

  /** Lets something happen to a task or batch. */
  emit(stream: string, event: NewEvent): void {
    const events = this.events.get(stream) ?? [];
    events.push({
      stream,
      seq: events.length + 1,
      at: new Date().toISOString(),
      ...event,
    });
    this.events.set(stream, events);
    this.#wake();
  }

  /** Changes a task. */
  changeTask(id: string, change: Partial<Task>): void {
    this.tasks.set(id, { ...this.#getTask(id), ...change });
    this.#wake();
  }

  /** Changes a batch. */
  changeBatch(id: string, change: Partial<Batch>): void {
    this.batches.set(id, { ...this.#getBatch(id), ...change });
    this.#wake();
  }

  /** The items of a batch, in their order. */
  itemsOf(batchId: string): Task[] {
    return [...this.tasks.values()].filter((task) => task.batchId === batchId);
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
  }

  #getTask(id: string): Task {
    const task = this.tasks.get(id);
    if (task === undefined) throw new AppError('TASK_NOT_FOUND', `No task ${id}.`);
    return task;
  }

  #getBatch(id: string): Batch {
    const batch = this.batches.get(id);
    if (batch === undefined) throw new AppError('BATCH_NOT_FOUND', `No batch ${id}.`);
    return batch;
  }

  #getApproval(id: string): Approval {
    const approval = this.approvals.get(id);
    if (approval === undefined) throw new AppError('APPROVAL_NOT_FOUND', `No approval ${id}.`);
    return approval;
  }

  #decide(approval: Approval, { decision, reason }: DecideApproval): Approval {
    const status = decision === 'approve' ? 'approved' : 'rejected';
    if (approval.status !== 'pending' && approval.status !== status)
      throw new AppError('APPROVAL_DECIDED', `It was ${approval.status}.`);
    const decided = { ...approval, status, reason } as const;
    this.approvals.set(approval.id, decided);
    return decided;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = new URL(request.url ?? '/', this.url);
      const call = findRoute(request.method ?? 'GET', url.pathname);
      const body = await readBody(request);
      const query = Object.fromEntries(url.searchParams);
      this.seen.push({ route: call.name, headers: request.headers, query, body });
      const trouble = this.#troubles.get(call.name)?.shift();
      if (trouble === 'hang-up') request.socket.destroy();
      else if (trouble !== undefined)
        throw new AppError(trouble.code, 'As the test wants it.', trouble);
      else await this.#serve({ ...call, request, response, query, body });
    } catch (error) {
      answerProblem(response, error);
    }
  }

  async #serve(call: Call): Promise<void> {
    const { route, request, response } = call;
    if (route.scope !== undefined && request.headers.authorization !== `Bearer ${fakeKey}`) {
      throw new AppError(
        request.headers.authorization === undefined ? 'KEY_MISSING' : 'KEY_INVALID',
        'No.',
      );
    }
    const params = parse(route.params, call.params) as Record<
      'taskId' | 'batchId' | 'approvalId',
      string
    >;
    const query = parse(route.query, call.query) as Record<string, unknown>;
    const body = parse(route.body, call.body);
    if (route.answer === 'events') {
      await this.#stream(params.taskId || params.batchId, query, { request, response });
      return;
    }
    const work = (): unknown => this.#work(call.name, { params, query, body });
    const key = request.headers['idempotency-key'];
    const answer = typeof key === 'string' ? this.#claim(key, work) : work();
    if (route.answer === 'text') {
      response.writeHead(route.status, { 'content-type': 'text/plain' }).end(answer as string);
    } else {
      const json = JSON.stringify(route.response.parse(answer));
      response.writeHead(route.status, { 'content-type': 'application/json' }).end(json);
    }
  }

  /** The same key answers with what it made the first time. */
  #claim(key: string, work: () => unknown): unknown {
    const known = this.#claims.get(key);
    if (known !== undefined) return this.tasks.get(known) ?? this.batches.get(known);
    const made = work() as { readonly id: string };
    this.#claims.set(key, made.id);
    return made;
  }

  #work(name: RouteName, { params, query, body }: Parsed): unknown {
    switch (name) {
      case 'submitTask':
        return this.#accept(aTask(body as SubmitTask), this.tasks);
      case 'submitBatch':
        return this.#acceptBatch(body as SubmitBatch);
      case 'planBatch':
        return this.answers.planBatch?.({ params, query, body }) ?? plan(body as SubmitBatch);
      case 'listTasks':
        return page([...this.tasks.values()].filter((task) => fits(task, query)).reverse(), query);
      case 'listItems':
        return page(
          this.itemsOf(this.#getBatch(params.batchId).id).filter((task) => fits(task, query)),
          query,
        );
      case 'listBatches':
        return page([...this.batches.values()].reverse(), query);
      case 'getTask':
        return this.#getTask(params.taskId);
      case 'getBatch':
        return this.#getBatch(params.batchId);
      case 'listSteps':
        return page(this.steps.get(this.#getTask(params.taskId).id) ?? [], query);
      case 'listMessages':
        return page(this.messages.get(this.#getTask(params.taskId).id) ?? [], query);
      case 'getDiff':
        return this.diffs.get(this.#getTask(params.taskId).id) ?? '';
      case 'getLogs':
        return this.logs.get(this.#getTask(params.taskId).id) ?? '';
      case 'cancelTask':
        this.changeTask(params.taskId, { cancelRequested: true });
        return this.#getTask(params.taskId);
      case 'cancelBatch':
        this.changeBatch(params.batchId, { cancelRequested: true });
        return this.#getBatch(params.batchId);
      case 'retryTask':
        this.changeTask(params.taskId, {
          status: 'queued',
          outcome: undefined,
          attempt: this.#getTask(params.taskId).attempt + 1,
        });
        this.onAccepted(params.taskId);
        return this.#getTask(params.taskId);
      case 'retryBatch':
        this.changeBatch(params.batchId, {
          status: 'running',
          result: undefined,
          round: this.#getBatch(params.batchId).round + 1,
        });
        this.onAccepted(params.batchId);
        return {
          ...this.#getBatch(params.batchId),
          retried: this.itemsOf(params.batchId).filter((task) => task.outcome === 'failed').length,
        };
      case 'changeBatch':
        this.changeBatch(params.batchId, body as Partial<Batch>);
        return this.#getBatch(params.batchId);
      case 'listApprovals':
        return page(
          [...this.approvals.values()].filter((one) => asksFor(one, query)),
          query,
        );
      case 'getApproval':
        return this.#getApproval(params.approvalId);
      case 'decideApproval':
        return this.#decide(this.#getApproval(params.approvalId), body as DecideApproval);
      case 'whoAmI':
        return {
          tenantId: 't',
          tenant: 'local',
          keyId: 'fake',
          scopes: ['tasks:read'],
          confirmAboveCostMicroUsd: 1_000_000,
          timeZone: 'UTC',
          version: '0.1.0',
        };
      case 'getUsage':
      case 'getForecast':
      case 'listPurchases':
      case 'setPrices':
      case 'listPrices':
      case 'getPrice':
      case 'listProviders':
      case 'listLimits':
      case 'testProvider':
      case 'listWorkers':
      case 'listPools':
      case 'publishTask':
        return this.answers[name]?.({ params, query, body });
      case 'healthLive':
      case 'healthReady':
        return { status: 'ok' };
      case 'followTask':
      case 'followBatch':
        throw new Error('Streams are answered elsewhere.');
    }
  }

  #accept<T extends Task | Batch>(work: T, store: Map<string, T>): T {
    store.set(work.id, work);
    this.onAccepted(work.id);
    return work;
  }

  #acceptBatch(request: SubmitBatch): Batch {
    const batch = aBatch(request);
    request.items.forEach(({ repository, prompt, variables, skip }, itemIndex) => {
      const { maxCostMicroUsd = defaultMaxCostMicroUsd } = request;
      const work = {
        ...request,
        maxCostMicroUsd,
        repository,
        prompt: prompt ?? request.prompt,
        variables,
      };
      const skipped =
        skip === undefined ? {} : ({ status: 'cancelled', outcome: 'skipped_optout' } as const);
      const task: Task = { ...aTask(work), batchId: batch.id, itemIndex, ...skipped };
      this.tasks.set(task.id, task);
    });
    return this.#accept(batch, this.batches);
  }

  async #stream(
    id: string,
    query: Record<string, unknown>,
    { request, response }: Pick<Call, 'request' | 'response'>,
  ): Promise<void> {
    const status = (): Task['status'] => (this.tasks.get(id) ?? this.#getBatch(id)).status;
    status();
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n');
    let sent = Number(request.headers['last-event-id'] ?? query['after']);
    const gone = new AbortController();
    request.socket.once('close', () => {
      gone.abort();
      this.#wake();
    });
    while (!gone.signal.aborted) {
      const events = this.events.get(id) ?? [];
      for (const event of events.slice(sent)) {
        response.write(
          `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
        );
        sent = event.seq;
      }
      if (query['follow'] === 'false' || isFinal(status())) break;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#watchers.delete(wake);
          resolve();
        };
        this.#watchers.add(wake);
      });
    }
    response.end();
  }
}

interface Call extends FoundRoute {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A request whose every part fits the table. */
interface Parsed {
  readonly params: Readonly<Record<'taskId' | 'batchId' | 'approvalId', string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}
