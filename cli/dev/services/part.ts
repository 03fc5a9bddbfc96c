/** What every part of the embedded platform is to the supervisor. */
import type { PortName } from '../ports.ts';
import type { StopStep } from '../processes.ts';

/** The parts, in the order in which they are stopped. */
export const partNames = ['api', 'worker', 'temporal', 'redis', 'postgres'] as const;
/** One part's name, and its log file's. */
export type PartName = (typeof partNames)[number];

/**
 * How each part is stopped: signals, each with its time; SIGKILL follows by itself. A worker has long enough to end a
 * model call, and a step that takes longer is repeated by the next worker. PostgreSQL's SIGINT is its fast shutdown
 * (sessions are ended, data is written), SIGQUIT leaves the rest to the next start.
 */
export const stopSteps: Readonly<Record<PartName, readonly StopStep[]>> = {
  api: [{ signal: 'SIGTERM', graceMs: 10_000 }],
  worker: [{ signal: 'SIGTERM', graceMs: 20_000 }],
  temporal: [{ signal: 'SIGTERM', graceMs: 10_000 }],
  redis: [{ signal: 'SIGTERM', graceMs: 10_000 }],
  postgres: [
    { signal: 'SIGINT', graceMs: 20_000 },
    { signal: 'SIGQUIT', graceMs: 5_000 },
  ],
};

/** A part as people see it; Temporal's web UI is a service of its own in Temporal's process. */
export type ServiceName = PartName | 'temporal-ui';

/** How a part's process is started. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Another user to run as, where root may not. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** A name, an address and a version to show. The address holds no password. */
export interface ServiceFacts {
  readonly name: ServiceName;
  readonly url: string;
  /** Null when a part that runs elsewhere does not tell. */
  readonly version: string | null;
}

/** Ports chosen for a part, asked for when its command is made. */
export type PortOf = (name: PortName) => number;

/** A part that the platform starts and looks after. */
export interface Part {
  readonly name: PartName;
  /** Parts that are ready before this one is started. */
  readonly needs: readonly PartName[];
  /** What it listens on; the first is the one that is checked to be its own. */
  readonly ports: readonly [PortName, ...PortName[]];
  /** Makes what it needs and clears what a killed predecessor left. Runs before every start. */
  readonly prepare: () => Promise<void>;
  readonly command: (portOf: PortOf) => Command;
  /** Answers whether the process with this pid does its work. */
  readonly isReady: (pid: number, portOf: PortOf) => Promise<boolean>;
  /** Told once, the first time it is ready. */
  readonly onFirstReady?: () => void;
  readonly services: (portOf: PortOf) => readonly ServiceFacts[];
}

/** A part that runs elsewhere: it is asked how it does, and never started or stopped. */
export interface ExternalPart {
  readonly name: PartName;
  readonly services: readonly Omit<ServiceFacts, 'version'>[];
  /** Its version when it answers (null when it does not tell), undefined when it does not answer. */
  readonly ask: () => Promise<string | null | undefined>;
}
