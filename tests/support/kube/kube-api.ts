/** Speaks to a Kubernetes API server as an administrator: objects by their paths, and changes as they come. */
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';

/** The part of any object that all have. */
export interface KubeObject {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** A list as the API server answers it. */
export interface KubeList<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

/** One change of a watched object. */
export interface KubeChange<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: object | undefined;
  readonly signal?: AbortSignal;
}

/** An answer other than 2xx. */
class KubeApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A client of one API server. */
export class KubeApi {
  readonly #options: { readonly url: string; readonly token: string; readonly agent: Agent };
  #isClosed = false;

  constructor(url: string, token: string, authority: Buffer) {
    this.#options = { url, token, agent: new Agent({ ca: authority, keepAlive: true }) };
  }

  /** Reads an object or list. @throws KubeApiError */
  async get<T>(path: string): Promise<T> {
    return (await this.#json('GET', path)) as T;
  }

  /** Makes an object. @throws KubeApiError */
  async create<T>(path: string, object: object): Promise<T> {
    return (await this.#json('POST', path, object)) as T;
  }

  /** Changes the named fields of an object (merge patch). @throws KubeApiError */
  async patch<T>(path: string, change: object): Promise<T> {
    return (await this.#json('PATCH', path, change)) as T;
  }

  /** Deletes an object; `options` as in the API, such as `gracePeriodSeconds`. One that is gone is no error. */
  async remove(path: string, options: object = {}): Promise<void> {
    await this.#json('DELETE', path, options).catch((error: unknown) => {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    });
  }

  /** Answers whether an endpoint such as /readyz answers with 200. */
  async isOk(path: string): Promise<boolean> {
    return this.#send({ method: 'GET', path }).then(
      (response) => {
        response.resume();
        return response.statusCode === 200;
      },
      () => false,
    );
  }

  /**
   * Calls back with every object of a path, then with every change, until `signal` or `close` ends it. When the
   * connection breaks, all objects are told again.
   */
  async watch<T extends KubeObject>(
    path: string,
    onChange: (change: KubeChange<T>) => void,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted && !this.#isClosed) {
      try {
        await this.#watchOnce(path, onChange, signal);
      } catch (error) {
        // A server that is away comes back, or the test ends.
        if (isStatus(error, 403) || isStatus(error, 404)) throw error;
      }
    }
  }

  async #watchOnce<T extends KubeObject>(
    path: string,
    onChange: (change: KubeChange<T>) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const list = await this.get<KubeList<T>>(path);
    for (const object of list.items) onChange({ type: 'ADDED', object });
    const from = `watch=true&resourceVersion=${list.metadata.resourceVersion}`;
    const response = await this.#send({ method: 'GET', path: `${path}?${from}`, signal });
    for await (const line of createInterface({ input: response })) {
      const change = JSON.parse(line) as KubeChange<T> | { readonly type: 'ERROR' };
      if (change.type === 'ERROR') return;
      onChange(change);
    }
  }

  /** Ends open connections and watches. */
  close(): void {
    this.#isClosed = true;
    this.#options.agent.destroy();
  }

  async #json(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.#send({ method, path, body });
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return JSON.parse(text);
    throw new KubeApiError(status, `${method} ${path}: ${String(status)} ${text}`);
  }

  async #send({ method, path, body, signal }: Question): Promise<IncomingMessage> {
    const { url, token, agent } = this.#options;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      // Without a length the API server leaves the body of a DELETE unread.
      ...(text === undefined
        ? {}
        : { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(`${url}${path}`, { method, agent, signal, headers }, resolve);
      sent.once('error', reject);
      sent.end(text);
    });
  }
}

/** Answers whether something thrown is an answer with this status. */
export function isStatus(error: unknown, status: number): boolean {
  return error instanceof KubeApiError && error.status === status;
}
