// Listens on ports in a node's network and hands each connection to the Unix socket of that port in a folder, behind which
// its service is: sockets of the file system are the same in every network.
//
//   node tunnel.process.ts FOLDER PORT…
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipe } from './tunnel.ts';

const [folder = '', ...ports] = process.argv.slice(2);
for (const port of ports)
  createServer((connection) => {
    pipe(connection, connect(join(folder, `${port}.sock`)));
  }).listen(Number(port));
