#!/usr/bin/env node
// Stands in for kubectl on PATH: forwards a port for real, to $FAKE_KUBECTL_TARGET, and knows one secret. Each call is a
// line of $FAKE_KUBECTL_LOG. While the file $FAKE_KUBECTL_LOG.down exists, there is no such service; a namespace that is
// called `silent` is in a cluster that never answers.
import { appendFileSync, existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { argv, env, exit, pid, stderr, stdout } from 'node:process';

const words = argv.slice(2);
appendFileSync(env.FAKE_KUBECTL_LOG, `${JSON.stringify({ pid, words })}\n`);
const fail = (text) => {
  stderr.write(`${text}\n`);
  exit(1);
};

if (words.includes('silent')) {
  setInterval(() => undefined, 1_000);
} else if (words[0] === 'get' && words[1] === 'service') {
  if (existsSync(`${env.FAKE_KUBECTL_LOG}.down`))
    fail('Error from server (NotFound): services "ado-api" not found');
  stdout.write(`service/${words[2]}\n`);
} else if (words[0] === 'get' && words[1] === 'secret') {
  if (words[2] !== 'ado-secrets')
    fail(`Error from server (NotFound): secrets "${words[2]}" not found`);
  const data = { API_KEY: Buffer.from(env.FAKE_KUBECTL_KEY).toString('base64') };
  stdout.write(JSON.stringify({ kind: 'Secret', data }));
} else if (words[0] === 'port-forward') {
  if (existsSync(`${env.FAKE_KUBECTL_LOG}.down`))
    fail('Error from server (NotFound): services "ado-api" not found');
  const server = createServer((socket) => {
    const upstream = connect(Number(env.FAKE_KUBECTL_TARGET), '127.0.0.1');
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ])
      from.pipe(to).on('error', () => from.destroy());
    socket.on('error', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1', () => {
    stdout.write(`Forwarding from 127.0.0.1:${server.address().port} -> 3000\n`);
  });
} else {
  fail(`unknown command ${words.join(' ')}`);
}
