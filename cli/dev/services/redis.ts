/** The embedded Redis: every write goes to its append-only file; nothing is ever evicted. */
import { mkdirSync } from 'node:fs';
import { layOut } from '../home.ts';
import { loopback } from '../ports.ts';
import { findRedisInfo } from '../probes.ts';
import type { RedisProgram } from '../programs/redis.ts';
import type { Part, PortOf } from './part.ts';

/** What the part is made from. */
export interface RedisOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly program: RedisProgram;
}

/** The address of the embedded Redis. It has no password: it listens on the loopback address only. */
export function redisUrl(portOf: PortOf): string {
  return `redis://${loopback}:${String(portOf('redis'))}`;
}

/** The embedded Redis as a part. */
export function createRedis({ home, env, program }: RedisOptions): Part {
  const folder = layOut(home).redis;
  return {
    name: 'redis',
    needs: [],
    ports: ['redis'],
    prepare: async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return Promise.resolve();
    },
    command: (portOf) => {
      const settings = {
        bind: loopback,
        port: String(portOf('redis')),
        dir: folder,
        appendonly: 'yes',
        // The append-only file is enough; a snapshot would add a fork and a second file at times of its own.
        save: '',
        // A lost key is a lost limit: rather refuse a write than forget.
        'maxmemory-policy': 'noeviction',
        daemonize: 'no',
      };
      const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
      return { file: program.server, args, env, cwd: folder };
    },
    // Its own pid in the answer: another Redis may have taken the port in the moment between choosing and binding it.
    isReady: async (pid, portOf) => (await findRedisInfo(redisUrl(portOf)))?.pid === pid,
    services: (portOf) => [{ name: 'redis', url: redisUrl(portOf), version: program.version }],
  };
}
