/**
 * The relay: runs a program, and takes connections to ports of its loopback to Unix sockets of the worker.
 *
 * A sandbox has no network, but programs speak to addresses, not to sockets. So this is started in the sandbox in place
 * of the program, listens on the sandbox's own 127.0.0.1, and starts the program once all ports are open. The program has
 * the standard streams and the environment as they are; its exit code is passed on.
 *
 * Arguments: `<port>:<socket>` for each port, `--`, the program with its arguments. Nothing but Node.js is imported: of
 * the host's files the sandbox shows this one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { constants } from 'node:os';

/** As a shell has it: the program cannot be started; it was not found. */
const cannotStartExit = 126;
const notFoundExit = 127;

const words = process.argv.slice(2);
const border = words.indexOf('--');
const [file = '', ...args] = words.slice(border + 1);

/** Ends with a reason that can be told from the program's own. */
function fail(why: string, exitCode: number): never {
  process.stderr.write(`ado: ${why}\n`);
  process.exit(exitCode);
}

/** Joins two sockets. What one side has said is delivered even when it has gone; an error ends both. */
function join(near: Socket, far: Socket): void {
  near.setNoDelay(true);
  near.pipe(far);
  far.pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
}

async function listen(port: number, path: string): Promise<void> {
  // Either side may end its half first: some protocols wait for the answer then.
  const server = createServer({ allowHalfOpen: true }, (near) => {
    join(near, connect({ path, allowHalfOpen: true }));
  });
  server.listen({ host: '127.0.0.1', port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    fail(`cannot listen on 127.0.0.1:${port}: ${code}`, cannotStartExit);
  }
  server.on('error', () => undefined);
}

// What ends the process group is for the program; this ends after it, to tell how that ended.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

await Promise.all(
  words.slice(0, border).map((word) => {
    const colon = word.indexOf(':');
    return listen(Number(word.slice(0, colon)), word.slice(colon + 1));
  }),
);

const program = spawn(file, args, { stdio: 'inherit' });
program.on('error', ({ code }: NodeJS.ErrnoException) => {
  fail(`cannot start ${file}: ${code}`, code === 'ENOENT' ? notFoundExit : cannotStartExit);
});
program.on('exit', (exitCode, signal) => {
  process.exit(exitCode ?? 128 + constants.signals[signal ?? 'SIGKILL']);
});
