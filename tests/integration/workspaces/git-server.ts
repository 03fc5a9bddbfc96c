/** A host that speaks git's own protocol (`git://`), for one repository. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** A running host. */
export interface GitServer {
  readonly url: string;
  readonly port: number;
  close(): void;
}

/** Serves a repository for fetch and push on a free port of the loopback address. */
export async function startGitServer(repository: string): Promise<GitServer> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    // The first packet names the service: `git-upload-pack /path\0host=…\0`, behind four digits of length.
    let first = Buffer.alloc(0);
    const gather = (bytes: Buffer): void => {
      first = Buffer.concat([first, bytes]);
      const size = Number.parseInt(first.subarray(0, 4).toString(), 16);
      if (first.length < 4 || first.length < size) return;
      socket.off('data', gather);
      const service = first.includes('git-receive-pack') ? 'receive-pack' : 'upload-pack';
      const child = spawn('git', [service, repository], { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.on('error', () => undefined);
      child.stdin.write(first.subarray(size));
      socket.pipe(child.stdin);
      child.stdout.pipe(socket);
    };
    socket.on('data', gather);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `git://127.0.0.1:${port}/repository.git`,
    port,
    close: () => server.close(),
  };
}
