// Listens on ports in a node's network and hands each connection to the Unix socket of that port in a folder, behind which
// its service is: sockets of the file system are the same in every network. And the other way round: on Unix socket SOCKET
// it takes HTTP's CONNECT to any address of the node's network; an empty SOCKET is none.
//
//   node tunnel.process.ts SOCKET FOLDER PORT…
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipe, takeConnects } from './tunnel.ts';

const [socket = '', folder = '', ...ports] = process.argv.slice(2);
if (socket !== '') takeConnects(socket);
for (const port of ports)
  createServer((connection) => {
    pipe(connection, connect(join(folder, `${port}.sock`)));
  }).listen(Number(port));
