// Requests over Node's HTTP client, answered as by fetch.
//   - status, headers and body are those of the server; a redirect is an answer like any other
//   - what the network does is the cause of a TypeError, before the answer and within it
//   - a cancel rejects with its reason and closes the connection, before the answer and within it
//   - a reader that takes its time gets every byte
import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { sendRequest } from './send-request.ts';

let answer: RequestListener;
let server: Server;
beforeAll(async () => {
  server = createServer((request, response) => {
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function send(changes: { readonly body?: string; readonly signal?: AbortSignal } = {}) {
  const { port } = server.address() as AddressInfo;
  const headers = new Headers({ 'x-api-key': 'sk-1', 'accept-encoding': 'gzip' });
  const { body, signal } = changes;
  const method = body === undefined ? 'GET' : 'POST';
  return sendRequest(new URL(`http://127.0.0.1:${String(port)}/v1`), {
    method,
    headers,
    body,
    signal,
  });
}

test('the server gets method, headers and body', async () => {
  answer = (request, response) => {
    const { method, url, headers } = request;
    const { 'x-api-key': key, 'accept-encoding': encoding, 'content-length': length } = headers;
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      response.end(JSON.stringify({ method, url, key, encoding, length, body }));
    });
  };

  const response = await send({ body: '{"é":1}' });

  expect(await response.json()).toEqual({
    ...{ method: 'POST', url: '/v1', key: 'sk-1', body: '{"é":1}' },
    ...{ encoding: 'identity', length: '8' },
  });
});

test('the caller gets status, headers and body', async () => {
  answer = (_, response) => {
    response.writeHead(429, 'Too Many', { 'retry-after': '7', 'set-cookie': ['a=1', 'b=2'] });
    response.end('slow down');
  };

  const response = await send();

  expect([response.ok, response.status, response.statusText]).toEqual([false, 429, 'Too Many']);
  expect(response.headers.get('retry-after')).toBe('7');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(await response.text()).toBe('slow down');
});

test('a redirect is not followed', async () => {
  let asked = 0;
  answer = (_, response) => {
    asked += 1;
    response.writeHead(307, { location: '/elsewhere' }).end();
  };

  const response = await send({ body: '{}' });

  expect([response.status, response.headers.get('location'), asked]).toEqual([
    307,
    '/elsewhere',
    1,
  ]);
});

test.each([204, 304])('an answer of status %i has no body', async (status) => {
  answer = (_, response) => {
    response.writeHead(status).end();
  };

  expect((await send()).body).toBeNull();
});

test('a server that hangs up fails the request with the reason of the network', async () => {
  answer = (request) => {
    request.socket.destroy();
  };

  await expect(send()).rejects.toMatchObject({
    name: 'TypeError',
    message: 'fetch failed',
    cause: { code: 'ECONNRESET' },
  });
});

test('a server that hangs up in its answer fails the reading', async () => {
  answer = (request, response) => {
    response.write('some', () => request.socket.destroy());
  };
  const response = await send();

  await expect(response.text()).rejects.toMatchObject({
    name: 'TypeError',
    message: 'terminated',
    cause: { code: 'ECONNRESET' },
  });
});

test('a request that is cancelled beforehand is not sent', async () => {
  let asked = 0;
  answer = (_, response) => {
    asked += 1;
    response.end();
  };

  await expect(send({ signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');

  expect(asked).toBe(0);
});

test.each(['before', 'within'] as const)(
  'a cancel %s the answer closes the connection',
  async (when) => {
    const cancel = new AbortController();
    const closed = new Promise((resolve) => {
      answer = (request, response) => {
        request.socket.on('close', resolve);
        if (when === 'within') response.write('some');
        else cancel.abort(new Error('stop'));
      };
    });
    const reading = send({ signal: cancel.signal }).then((response) => {
      const text = response.text();
      cancel.abort(new Error('stop'));
      return text;
    });

    await expect(reading).rejects.toThrow('stop');
    await closed;
  },
);

test('a reader that gives up closes the connection', async () => {
  const closed = new Promise((resolve) => {
    answer = (request, response) => {
      request.socket.on('close', resolve);
      response.write('some');
    };
  });

  await (await send()).body?.cancel();

  await closed;
});

test('a slow reader gets every byte', async () => {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  answer = (_, response) => {
    for (let count = 0; count < 32; count += 1) response.write(chunk);
    response.end();
  };
  let sizeBytes = 0;

  const { body } = await send();
  for await (const piece of body ?? []) {
    sizeBytes += (piece as Uint8Array).length;
    await new Promise(setImmediate);
  }

  expect(sizeBytes).toBe(32 * chunk.length);
});
