/**
 * The embedded Temporal: its development server on a SQLite file in WAL mode, its web UI in the same process, tuned so
 * that a step takes milliseconds (reference: 150 ms per workflow with the server's defaults, 22.5 ms with these).
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { searchAttributes } from '../../../contracts/names.ts';
import { temporalVariables, withoutVariables } from '../environment.ts';
import { layOut } from '../home.ts';
import { loopback } from '../ports.ts';
import { isTemporalServing } from '../probes.ts';
import type { TemporalCli } from '../programs/temporal.ts';
import type { Part, PortOf } from './part.ts';

/** The namespace that every Temporal server has for ado. */
export const temporalNamespace = 'default';

/**
 * Dynamic configuration wherever ado starts a server: development and tests. The two poll rates are what the 150 ms
 * wait for (20 polls a second and shard); partitions serve more load than one machine makes, and blunt fairness.
 */
export const tunedSettings: Readonly<Record<string, number | boolean>> = {
  'history.transferProcessorMaxPollRPS': 500,
  'history.timerProcessorMaxPollRPS': 500,
  'system.enableActivityEagerExecution': true,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
  'matching.enableFairness': true,
};

/** What the part is made from. */
export interface TemporalOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly cli: TemporalCli;
}

/** The address of the embedded Temporal's frontend, as SDKs want it. */
export function temporalAddress(portOf: PortOf): string {
  return `${loopback}:${String(portOf('temporal'))}`;
}

/** The address of the embedded Temporal's web UI. */
export function temporalUiUrl(portOf: PortOf): string {
  return `http://${loopback}:${String(portOf('temporal-ui'))}`;
}

/** The embedded Temporal as a part. */
export function createTemporal({ home, env, cli }: TemporalOptions): Part {
  const folder = layOut(home).temporal;
  const database = join(folder, 'temporal.sqlite');
  // The server makes its tables in a new file and not in one that exists. Before the first readiness nothing can have
  // been entrusted to it, so a file without this mark is a start cut short.
  const complete = join(folder, 'complete');
  return {
    name: 'temporal',
    needs: [],
    ports: ['temporal', 'temporal-ui'],
    prepare: async () => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (!existsSync(complete)) {
        for (const suffix of ['', '-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true });
      }
      return Promise.resolve();
    },
    command: (portOf) => {
      const values = Object.entries(tunedSettings).map(
        ([name, value]) => `${name}=${String(value)}`,
      );
      const args = [
        'server',
        'start-dev',
        '--ip',
        loopback,
        '--port',
        String(portOf('temporal')),
        '--ui-port',
        String(portOf('temporal-ui')),
        '--db-filename',
        database,
        '--sqlite-pragma',
        'journal_mode=WAL',
        '--sqlite-pragma',
        'synchronous=NORMAL',
        '--log-level',
        'warn',
        '--log-format',
        'json',
        // What the user keeps for other servers must not reach this one.
        '--disable-config-file',
        '--disable-config-env',
        ...values.flatMap((value) => ['--dynamic-config-value', value]),
        ...Object.values(searchAttributes).flatMap((name) => [
          '--search-attribute',
          `${name}=Keyword`,
        ]),
      ];
      return { file: cli.file, args, env: serverEnv(env), cwd: folder };
    },
    isReady: async (_pid, portOf) => isTemporalServing(temporalAddress(portOf)),
    onFirstReady: () => {
      writeFileSync(complete, `${cli.server}\n`, { mode: 0o600 });
    },
    services: (portOf) => [
      { name: 'temporal', url: temporalAddress(portOf), version: cli.server },
      { name: 'temporal-ui', url: temporalUiUrl(portOf), version: cli.ui },
    ],
  };
}

function serverEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // The server asks its makers once a day whether it is the latest, unless told not to.
  return { ...withoutVariables(env, temporalVariables), TEMPORAL_VERSION_CHECK_DISABLED: '1' };
}
