import { once, EventEmitter } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { startServer } from './server.ts';

const address = { host: '127.0.0.1', port: 0 };

test('a taken port is an error that names it', async () => {
  const first = await startServer((_request, response) => response.end(), address);

  const second = startServer((_request, response) => response.end(), {
    ...address,
    port: first.port,
  });

  await expect(second).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(String(first.port)),
  });
  await first.close(0);
});

test('a request under way is finished before the server closes', async () => {
  const gate = new EventEmitter();
  const server = await startServer((_request, response) => {
    gate.emit('asked');
    gate.once('open', () => response.end('done'));
  }, address);
  const asked = once(gate, 'asked');
  const answer = fetch(`http://127.0.0.1:${server.port}`);
  await asked;

  const closed = server.close(5_000);
  gate.emit('open');

  expect(await (await answer).text()).toBe('done');
  await closed;
});

test('a request that does not end is cut off after its grace', async () => {
  const gate = new EventEmitter();
  const server = await startServer(() => gate.emit('asked'), address);
  const asked = once(gate, 'asked');
  const answer = fetch(`http://127.0.0.1:${server.port}`);
  await asked;

  await Promise.all([server.close(1), expect(answer).rejects.toThrow('fetch failed')]);
});

test('a server that drains answers as before, and ends each connection with its answer', async () => {
  const server = await startServer((_request, response) => response.end('done'), address);
  const agent = new Agent({ keepAlive: true });
  const ask = async (): Promise<string> => {
    const request = get({ agent, port: server.port, host: address.host });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await text(response);
    return `${response.statusCode ?? 0} ${response.headers.connection ?? ''}`;
  };

  const before = await ask();
  server.drain();
  const [onKept, onNew] = [await ask(), await ask()];
  agent.destroy();

  expect([before, onKept, onNew]).toEqual(['200 keep-alive', '200 close', '200 close']);
  await server.close(1_000);
});
