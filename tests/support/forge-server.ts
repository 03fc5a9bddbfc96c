/** Hosts of repositories on the wire: the pull requests of GitHub's REST API and the merge requests of GitLab's. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from './fake-http.ts';

/** A pull request as the host has it. */
export interface MadeRequest {
  /** `github` or `gitlab`. */
  readonly forge: 'github' | 'gitlab';
  /** Path of the repository. */
  readonly path: string;
  readonly branch: string;
  readonly target: string;
  readonly title: string;
  readonly body: string;
  readonly url: string;
  state: 'open' | 'closed';
}

/** An answer that stands before the host's own, once. */
export interface Refusal {
  readonly method: 'GET' | 'POST';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** A running host. */
export interface ForgeServer {
  /** Address of its web pages. */
  readonly url: string;
  readonly made: MadeRequest[];
  /** Requests in the order in which they came: `POST /api/v3/repos/…`. */
  readonly log: string[];
  readonly refusals: Refusal[];
  close(): void;
}

/** The token that the host knows. */
export const forgeToken = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';

/** Starts a host on a free port of the loopback address. */
export async function startForge(): Promise<ForgeServer> {
  const made: MadeRequest[] = [];
  const log: string[] = [];
  const refusals: Refusal[] = [];
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      send(response, 500, { message: String(error) });
    });
  });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url: target = '' } = request;
    const { pathname, searchParams } = new URL(target, 'http://host');
    log.push(`${method} ${pathname}`);
    const body = ((await readBody(request)) ?? {}) as Record<string, string>;
    const place = refusals.findIndex((refusal) => refusal.method === method);
    const [refusal] = place < 0 ? [] : refusals.splice(place, 1);
    if (refusal !== undefined) {
      send(response, refusal.status, refusal.body ?? { message: 'refused' }, refusal.headers);
      return;
    }
    const github = /^\/api\/v3\/repos\/([^/]+\/[^/]+)(\/pulls)?$/.exec(pathname);
    const gitlab = /^\/api\/v4\/projects\/([^/]+)(\/merge_requests)?$/.exec(pathname);
    const forge = github === null ? 'gitlab' : 'github';
    const found = github ?? gitlab;
    const token =
      forge === 'github'
        ? request.headers.authorization?.replace(/^Bearer /, '')
        : request.headers['private-token'];
    if (token !== forgeToken) {
      send(response, 401, { message: `Bad credentials ${String(token)}` });
      return;
    }
    if (found === null) {
      send(response, 404, { message: 'Not Found' });
      return;
    }
    const path = decodeURIComponent(found[1] ?? '');
    if (found[2] === undefined) {
      send(response, 200, { default_branch: 'trunk' });
      return;
    }
    const shown = (one: MadeRequest) => ({
      ...(forge === 'github' ? { html_url: one.url } : { web_url: one.url }),
      state: forge === 'gitlab' && one.state === 'open' ? 'opened' : one.state,
    });
    const branch =
      forge === 'github'
        ? (body['head'] ?? searchParams.get('head')?.split(':')[1] ?? '')
        : (body['source_branch'] ?? searchParams.get('source_branch') ?? '');
    const ofBranch = made.filter((one) => one.path === path && one.branch === branch);
    if (method === 'GET') {
      send(response, 200, ofBranch.map(shown));
      return;
    }
    if (ofBranch.some(({ state }) => state === 'open')) {
      const errors = [{ message: `A pull request already exists for ${branch}.` }];
      const status = forge === 'github' ? 422 : 409;
      send(response, status, { message: 'Validation Failed', errors });
      return;
    }
    const one: MadeRequest = {
      ...{ forge, path, branch, state: 'open', title: body['title'] ?? '' },
      target: body['base'] ?? body['target_branch'] ?? '',
      body: body['body'] ?? body['description'] ?? '',
      url: `https://host.example/${path}/pull/${String(made.length + 1)}`,
    };
    made.push(one);
    send(response, 201, shown(one));
  };

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    ...{ url: `http://127.0.0.1:${String(port)}`, made, log, refusals },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
