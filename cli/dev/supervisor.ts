/**
 * The supervisor of one data folder: chooses ports, starts the parts as soon as what they need is ready, keeps them
 * running, writes down what runs (state.ts), and stops them in order. It owns no process signals and no terminal; see
 * platform.ts for the ways it is run.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, codeOf } from '../../contracts/errors.ts';
import { messageOf } from './error-text.ts';
import { makeHome } from './home.ts';
import { endLeftovers, listLeftovers, stopWaves } from './leftovers.ts';
import { boundLog } from './logs.ts';
import { choosePort, isPortFree } from './ports.ts';
import type { PortName, Ports } from './ports.ts';
import { PortClaims } from './port-claims.ts';
import { identify } from './processes.ts';
import { findExternals, getPrograms } from './programs.ts';
import type { Programs } from './programs.ts';
import type { Reporter } from './progress.ts';
import { createApi, createWorker } from './services/ado-processes.ts';
import { listExternalParts } from './services/externals.ts';
import type { ExternalPart, Part, PartName, ServiceFacts } from './services/part.ts';
import { createPostgres } from './services/postgres.ts';
import { createRedis } from './services/redis.ts';
import { createTemporal } from './services/temporal.ts';
import { findState, writeState } from './state.ts';
import type { PartState, Phase, PlatformState } from './state.ts';
import { SupervisedPart } from './supervised-part.ts';

/** What a platform is started with. It can be written as JSON, apart from the environment. */
export interface PlatformOptions {
  /** The data folder; see `findHome`. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ports that the user asks for; the others are chosen. */
  readonly ports?: Ports | undefined;
  /** Files that Node runs instead of the checkout's `api/main` and `worker/main`; for tests. */
  readonly standIns?: { readonly api?: string; readonly worker?: string } | undefined;
  /** How long a part may take to be ready the first time. */
  readonly startTimeoutMs?: number | undefined;
}

interface ExternalState {
  readonly part: ExternalPart;
  version: string | null;
  isReady: boolean;
}

const careIntervalMs = 5_000;
const externalPatienceMs = 5_000;

/** Starts, keeps and stops the platform of one data folder. One per data folder: the caller holds its lock. */
export class Supervisor {
  readonly #options: PlatformOptions;
  readonly #reporter: Reporter;
  readonly #abort = new AbortController();
  readonly #claims: PortClaims;
  readonly #ports: Partial<Record<PortName, number>> = {};
  #parts: SupervisedPart[] = [];
  #externals: ExternalState[] = [];
  #phase: Phase = 'starting';
  #failure: PlatformState['failure'] = null;
  #care: NodeJS.Timeout | undefined;
  /** Settled once it is known which parts there are: until then there is nothing to stop, and leftovers may be ending. */
  #prepared: Promise<unknown> = Promise.resolve();

  constructor(options: PlatformOptions, reporter: Reporter) {
    this.#options = options;
    this.#reporter = reporter;
    this.#claims = new PortClaims(options.env);
  }

  /**
   * Starts everything. Resolves when all parts are ready, or when `stop` was called meanwhile.
   * @throws PROGRAM_MISSING, PORT_TAKEN or PART_FAILED; then nothing is left running
   */
  async start(): Promise<void> {
    try {
      await this.#start();
      if (!this.#abort.signal.aborted) this.#enter('ready');
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      await this.#stopParts();
      this.#failure = { code: codeOf(error) ?? 'INTERNAL', message: messageOf(error) };
      this.#enter('failed');
      throw error;
    }
  }

  /** Stops all parts, the API first; `hurry` ends them at once. Resolves when no process is left. */
  async stop(pace: 'polite' | 'hurry' = 'polite'): Promise<void> {
    this.#abort.abort();
    await this.#prepared;
    if (this.#phase !== 'failed') this.#enter('stopping');
    await this.#stopParts(pace);
    if (this.#phase !== 'failed') this.#enter('stopped');
  }

  async #start(): Promise<void> {
    const preparing = this.#prepare();
    this.#prepared = preparing.catch(() => undefined);
    await preparing;
    if (this.#abort.signal.aborted) return;
    this.#enter('starting');
    this.#care = setInterval(() => {
      void this.#takeCare();
    }, careIntervalMs);
    await this.#startInOrder();
  }

  async #prepare(): Promise<void> {
    const { home, env } = this.#options;
    makeHome(home);
    await this.#endLeftovers();
    Object.assign(this.#ports, findState(home)?.ports);
    const programs = await getPrograms({
      home,
      env,
      reporter: this.#reporter,
      signal: this.#abort.signal,
    });
    const parts = this.#createParts(programs);
    await this.#choosePorts(parts);
    this.#parts = parts.map((part) => this.#supervise(part));
    this.#externals = listExternalParts(findExternals(env)).map((part) => ({
      part,
      version: null,
      isReady: false,
    }));
  }

  async #endLeftovers(): Promise<void> {
    const leftovers = listLeftovers(this.#options.home);
    if (leftovers.length > 0) {
      const names = leftovers.map(({ name, process }) => `${name} (pid ${String(process.pid)})`);
      this.#reporter.line(`Ending what an earlier ado left behind: ${names.join(', ')}.`);
    }
    await endLeftovers(this.#options.home);
  }

  #createParts(programs: Programs): Part[] {
    const { home, env, standIns } = this.#options;
    const externals = findExternals(env);
    const parts: Part[] = [];
    if (programs.postgres !== undefined)
      parts.push(createPostgres({ home, env, programs: programs.postgres }));
    if (programs.redis !== undefined)
      parts.push(createRedis({ home, env, program: programs.redis }));
    if (programs.temporal !== undefined)
      parts.push(createTemporal({ home, env, cli: programs.temporal }));
    parts.push(createApi({ home, env, externals, program: standIns?.api }));
    parts.push(createWorker({ home, env, externals, program: standIns?.worker }));
    return parts;
  }

  async #choosePorts(parts: readonly Part[]): Promise<void> {
    for (const name of parts.flatMap((part) => part.ports)) await this.#choosePort(name);
  }

  async #choosePort(name: PortName): Promise<void> {
    const remembered = this.#ports[name];
    const claim = (port: number): boolean => this.#claims.claim(port);
    this.#ports[name] = await choosePort({ name, asked: this.#askedPort(name), remembered, claim });
  }

  /** Chooses again where a port was taken between the choice and the start; answers whether one was. */
  async #settlePorts({ ports }: Part): Promise<'kept' | 'moved'> {
    let outcome: 'kept' | 'moved' = 'kept';
    for (const name of ports) {
      if (await isPortFree(this.#portOf(name))) continue;
      await this.#choosePort(name);
      outcome = 'moved';
    }
    return outcome;
  }

  #askedPort(name: PortName): number | undefined {
    const fromEnv = name === 'api' ? Number(this.#options.env['ADO_API_PORT'] ?? '') : 0;
    return this.#options.ports?.[name] ?? (fromEnv > 0 ? fromEnv : undefined);
  }

  readonly #portOf = (name: PortName): number => {
    const port = this.#ports[name];
    if (port === undefined) throw new Error(`No port was chosen for ${name}.`);
    return port;
  };

  #supervise(part: Part): SupervisedPart {
    return new SupervisedPart(part, {
      home: this.#options.home,
      portOf: this.#portOf,
      startTimeoutMs: this.#options.startTimeoutMs,
      settlePorts: async (settled) => this.#settlePorts(settled),
      onChange: () => {
        this.#write();
      },
      onRestart: (how, pid) => {
        this.#reporter.line(`${part.name} ${how}; started again as pid ${String(pid)}.`);
      },
    });
  }

  async #startInOrder(): Promise<void> {
    const ready = new Map<PartName, Promise<void>>();
    for (const supervised of this.#parts) {
      const { name, needs } = supervised.part;
      const needed = needs.map((need) => ready.get(need) ?? Promise.resolve());
      ready.set(
        name,
        Promise.all(needed).then(async () => {
          if (!this.#abort.signal.aborted) await supervised.start();
        }),
      );
    }
    await Promise.all([
      ...ready.values(),
      ...this.#externals.map(async (state) => this.#awaitExternal(state)),
    ]);
  }

  async #awaitExternal(state: ExternalState): Promise<void> {
    const deadline = Date.now() + externalPatienceMs;
    for (;;) {
      await this.#askExternal(state);
      if (state.isReady || this.#abort.signal.aborted) return;
      if (Date.now() >= deadline) break;
      await delay(250);
    }
    const url = state.part.services[0]?.url ?? '';
    throw new AppError(
      'PART_FAILED',
      `${state.part.name} at ${url}, as the environment names it, does not answer.`,
    );
  }

  async #askExternal(state: ExternalState): Promise<void> {
    const version = await state.part.ask();
    const before = state.isReady;
    state.isReady = version !== undefined;
    state.version = version ?? state.version;
    if (before !== state.isReady) this.#write();
  }

  async #takeCare(): Promise<void> {
    try {
      for (const { part } of this.#parts) boundLog(this.#options.home, part.name);
    } catch (error) {
      this.#reporter.line(`A log could not be cut to its bound: ${messageOf(error)}`);
    }
    await Promise.all(this.#externals.map(async (state) => this.#askExternal(state)));
  }

  async #stopParts(pace: 'polite' | 'hurry' = 'polite'): Promise<void> {
    clearInterval(this.#care);
    const items = this.#parts.map((supervised) => ({ name: supervised.part.name, supervised }));
    for (const wave of stopWaves(items)) {
      await Promise.all(
        wave.map(async ({ supervised }) => supervised.stop(pace === 'hurry' ? [] : undefined)),
      );
    }
    await endLeftovers(this.#options.home);
    this.#claims.releaseAll();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#write();
  }

  #write(): void {
    const supervisor = identify(process.pid);
    if (supervisor === undefined) return;
    const own = this.#parts.map(({ part, process, isReady, restarts }): PartState => ({
      name: part.name,
      process,
      ready: isReady,
      restarts,
      services: part.services(this.#portOf),
    }));
    const external = this.#externals.map(({ part, version, isReady }): PartState => {
      const services = part.services.map((service): ServiceFacts => ({ ...service, version }));
      return { name: part.name, process: null, ready: isReady, restarts: 0, services };
    });
    const parts = [...own, ...external];
    const state = {
      phase: this.#phase,
      failure: this.#failure,
      supervisor,
      ports: this.#ports,
      parts,
    };
    try {
      writeState(this.#options.home, { format: 1, ...state });
    } catch (error) {
      // A full disk must not take the supervisor with it: the parts go on, and the next change writes again.
      this.#reporter.line(`The state of the platform could not be written: ${messageOf(error)}`);
    }
  }
}
