/** A Redis of a test run's own: empty, on a free port, in a temporary folder. */
import { findFreePorts } from '../../../cli/dev/ports.ts';
import { getRedis } from '../../../cli/dev/programs/redis.ts';
import { stopSteps } from '../../../cli/dev/services/part.ts';
import { createRedis, redisUrl } from '../../../cli/dev/services/redis.ts';
import { createServiceFolder, startTestProcess } from './test-process.ts';
import type { TestService } from './test-process.ts';

/** A Redis server for tests. */
export interface TestRedis extends TestService {
  readonly url: string;
}

/** Starts a Redis as the embedded platform does. */
export async function startTestRedis(): Promise<TestRedis> {
  const home = createServiceFolder('redis');
  const [port = 0] = await findFreePorts(1);
  const portOf = (): number => port;
  const part = createRedis({ home, env: process.env, program: await getRedis(process.env) });
  const service = await startTestProcess({
    name: part.name,
    folder: home,
    stopSteps: stopSteps.redis,
    prepare: part.prepare,
    command: () => part.command(portOf),
    isReady: async (pid) => part.isReady(pid, portOf),
  });
  return { ...service, url: redisUrl(portOf) };
}
