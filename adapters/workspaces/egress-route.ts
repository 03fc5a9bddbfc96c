/** The way of a sandboxed program to the hosts that it may reach: a proxy of its own, while it runs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEgressProxy, type EgressSettings } from '../egress/egress-proxy.ts';
import type { SandboxRun } from '../ports.ts';

/** The port of the proxy inside, when the program reaches nothing else there. */
const usualPort = 3_128;

/** Runs a program with the proxy that its `allowHosts` ask for, if any. Without a sandbox it has the network anyway. */
export async function withEgress<Result>(
  run: SandboxRun,
  settings: Partial<EgressSettings>,
  work: (run: SandboxRun) => Promise<Result>,
): Promise<Result> {
  const { allowHosts = [], reach = [], sandbox } = run;
  if (allowHosts.length === 0 || sandbox === 'none') return work(run);

  // Not in the data folder, whose path may be longer than that of a socket can be (107 bytes).
  const folder = await mkdtemp(join(tmpdir(), 'ado-egress-'));
  try {
    const socketPath = join(folder, 'proxy.sock');
    const proxy = await startEgressProxy(socketPath, allowHosts, settings);
    try {
      const port = freePort(reach.map((known) => known.port));
      return await work({
        ...run,
        reach: [...reach, { port, socketPath }],
        env: { ...run.env, ...proxyEnvironment(port) },
      });
    } finally {
      proxy.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function freePort(taken: readonly number[]): number {
  let port = usualPort;
  while (taken.includes(port)) port += 1;
  return port;
}

/** By these names curl, git, npm, pip, Go, cargo and Node.js look for a proxy; some read one spelling only. */
function proxyEnvironment(port: number): Record<string, string> {
  const url = `http://127.0.0.1:${port}`;
  const direct = 'localhost,127.0.0.1,::1';
  return {
    ...{ HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: direct },
    ...{ http_proxy: url, https_proxy: url, no_proxy: direct },
    // Node.js asks to be told that it may look, and to trust whom the other programs here trust.
    ...{ NODE_USE_ENV_PROXY: '1', NODE_USE_SYSTEM_CA: '1' },
  };
}
