/** What of the platform of a data folder runs, and whether it answers: asked afresh, whether a supervisor lives or not. */
import { layOut } from './home.ts';
import { findLockHolder } from './lock.ts';
import { isAlive } from './processes.ts';
import { answersHttp, answersPostgres, findRedisInfo, isTemporalServing } from './probes.ts';
import type { ServiceFacts, ServiceName } from './services/part.ts';
import { findState } from './state.ts';
import type { PartState } from './state.ts';

/** One service, as `ado dev status -o json` prints it. */
export interface ServiceStatus {
  readonly name: ServiceName;
  /** Null when it does not run, or runs elsewhere. */
  readonly pid: number | null;
  readonly url: string | null;
  /** Null when a service that runs elsewhere does not tell. */
  readonly version: string | null;
  readonly ready: boolean;
}

/** The platform of one data folder. */
export interface PlatformStatus {
  readonly services: readonly ServiceStatus[];
  readonly dataDir: string;
}

const serviceNames: readonly ServiceName[] = [
  'api',
  'worker',
  'temporal',
  'temporal-ui',
  'postgres',
  'redis',
];

/** Answers what runs now. Every service is listed, also when nothing was ever started. */
export async function platformStatus(home: string): Promise<PlatformStatus> {
  const parts = findState(home)?.parts ?? [];
  const known = parts.flatMap((part) => part.services.map((service) => ({ part, service })));
  const services = await Promise.all(
    serviceNames.map(async (name): Promise<ServiceStatus | undefined> => {
      const entry = known.find(({ service }) => service.name === name);
      if (entry !== undefined) return inspect(entry.part, entry.service, home);
      // The web UI of a Temporal that runs elsewhere is not ours to know.
      const isKnownPart = parts.some((part) => name.startsWith(part.name));
      return isKnownPart ? undefined : { name, pid: null, url: null, version: null, ready: false };
    }),
  );
  return { services: services.filter((service) => service !== undefined), dataDir: home };
}

/** Answers whether every service is ready. */
export function isAllReady(status: PlatformStatus): boolean {
  return status.services.every((service) => service.ready);
}

/** Answers whether a supervisor looks after this data folder now. */
export function isSupervised(home: string): boolean {
  return findLockHolder(layOut(home).supervisorLock) !== undefined;
}

async function inspect(
  part: PartState,
  service: ServiceFacts,
  home: string,
): Promise<ServiceStatus> {
  const { name, url, version } = service;
  if (part.process === null) {
    // Elsewhere: the supervisor asks it every few seconds, with the password that is not written down here.
    return { name, pid: null, url, version, ready: part.ready && isSupervised(home) };
  }
  if (!isAlive(part.process)) return { name, pid: null, url, version, ready: false };
  // A server in recovery answers too; its supervisor knows better. Without one, the answer is all there is.
  const mayBeReady = part.ready || !isSupervised(home);
  return {
    name,
    pid: part.process.pid,
    url,
    version,
    ready: mayBeReady && (await answers(service)),
  };
}

async function answers({ name, url }: ServiceFacts): Promise<boolean> {
  switch (name) {
    case 'api':
    case 'worker':
      return answersHttp(`${url}/health/ready`);
    case 'temporal':
      return isTemporalServing(url);
    case 'temporal-ui':
      return answersHttp(url);
    case 'postgres':
      return answersPostgres(url);
    case 'redis':
      return (await findRedisInfo(url)) !== undefined;
  }
}
