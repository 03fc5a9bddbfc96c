/**
 * The launcher: a small process that starts programs for a large one.
 *
 * A fork copies the page tables of its parent. From a Node.js process of 300 MB that costs 7.4 ms of CPU, of 800 MB
 * 15 ms, from this one 0.9 ms (measured with 100 runs of /bin/true on Node 24). A task starts half a dozen programs.
 *
 * It ends when its channel closes, that is, with the worker, however that died. Sandboxes and programs that own their
 * process group are killed before; git commands of our own are left to end by themselves, so that none leaves a lock
 * behind.
 *
 * A sandbox is ended from the inside. bubblewrap makes a process that becomes the first of the sandbox, and ties it to
 * itself some milliseconds later (`--die-with-parent`): killed in between, it would leave that process behind for ever. So
 * nobody kills it before it has told that process's id, and the process is killed with it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { LauncherReply, LauncherRequest, StartMessage } from './launcher-messages.ts';
import type { TreeLimit } from './limits.ts';
import { exceededBy, lookAtProcesses, waitAfterLookMs, type TreeLimits } from './tree-usage.ts';

/** Silence after a program has ended until its pipes are closed, when something that it left behind keeps them open. */
const lingerMs = 1_000;

/** The longest wait for a sandbox that is being made when the worker is gone. */
const farewellMs = 2_000;

interface Running {
  readonly child: ChildProcess;
  readonly ownsGroup: boolean;
  readonly isSandbox: boolean;
  /** The first process inside: everything inside ends with it. */
  insidePid?: number;
  readonly limits: TreeLimits | undefined;
  killedBy?: TreeLimit;
  /** Asked to end before it had told its `insidePid`. */
  doomedBy?: NodeJS.Signals;
}

const running = new Map<number, Running>();

function reply(message: LauncherReply, onSent: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, undefined, {}, onSent);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended.
  }
}

/** Ends a program; a sandbox that is still being made ends as soon as it can be. */
function end(program: Running, signal: NodeJS.Signals): void {
  if (program.isSandbox && program.insidePid === undefined && signal !== 'SIGKILL') {
    program.doomedBy = signal;
    return;
  }
  if (program.insidePid !== undefined) killInside(program.child, program.insidePid);
  signalGroup(program.child, signal);
}

/** Takes note of the first process inside, which bubblewrap tells before it lets that process go on. */
function noteInside(program: Running, bytes: Buffer): void {
  const pid = /"child-pid": (\d+)/.exec(bytes.toString())?.[1];
  if (pid === undefined) return;
  program.insidePid = Number(pid);
  if (program.doomedBy !== undefined) end(program, program.doomedBy);
}

let nextLook: NodeJS.Timeout | undefined;

/** Looks at what sandboxes use as long as there are any, and ends those that are above their bounds. */
function watch(afterMs = waitAfterLookMs(0)): void {
  const isWatched = ({ limits, insidePid }: Running): boolean =>
    limits !== undefined && insidePid !== undefined;
  if (nextLook !== undefined || ![...running.values()].some(({ limits }) => limits)) return;
  nextLook = setTimeout(() => {
    nextLook = undefined;
    const before = process.cpuUsage();
    const watched = [...running.values()].filter(isWatched);
    const processes = watched.length === 0 ? new Map<number, never[]>() : lookAtProcesses();
    for (const program of watched) {
      const { insidePid, limits } = program;
      if (insidePid === undefined || limits === undefined) continue;
      const exceeded = exceededBy(insidePid, processes, limits);
      if (exceeded === undefined || program.killedBy !== undefined) continue;
      program.killedBy = exceeded;
      end(program, 'SIGKILL');
    }
    const { user, system } = process.cpuUsage(before);
    watch(waitAfterLookMs((user + system) / 1_000));
  }, afterMs);
  nextLook.unref();
}

/** Only while it is bubblewrap's child: its number may belong to somebody else later. */
function killInside(child: ChildProcess, pid: number): void {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent === child.pid) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Passes a stream on, one chunk at a time: what the worker does not take stays in the pipe, not in memory. */
function forward(
  source: Readable,
  head: { id: number; stream: 'stdout' | 'stderr' | 'fd4' },
  onSent: () => void,
): void {
  source.on('data', (bytes: Buffer) => {
    source.pause();
    reply({ event: 'output', ...head, bytes }, () => {
      onSent();
      source.resume();
    });
  });
}

function feed(target: Writable, bytes: Uint8Array): void {
  // A program may end without reading what it is fed.
  target.on('error', () => undefined);
  target.end(bytes);
}

function start(message: StartMessage): void {
  const { id } = message;
  const stdout =
    message.stdoutFile === undefined ? 'pipe' : openSync(message.stdoutFile, 'wx', 0o600);
  const child = spawn(message.file, [...message.args], {
    cwd: message.cwd,
    env: message.env,
    detached: true,
    stdio: [
      message.stdin === undefined ? 'ignore' : 'pipe',
      stdout,
      'pipe',
      ...(message.fd3 === undefined ? [] : (['pipe', 'pipe', 'pipe'] as const)),
    ],
  });
  if (typeof stdout === 'number') closeSync(stdout);
  const program: Running = {
    child,
    ownsGroup: message.ownsGroup,
    isSandbox: message.fd3 !== undefined,
    limits: message.limits,
  };
  running.set(id, program);
  watch();

  child.on('error', (error: NodeJS.ErrnoException) => {
    if (child.pid !== undefined || !running.delete(id)) return;
    reply({ event: 'failed', id, code: error.code ?? error.message });
  });
  let linger: NodeJS.Timeout | undefined;
  child.on('exit', () => {
    if (message.ownsGroup) signalGroup(child, 'SIGKILL');
    linger = setTimeout(() => {
      for (const stream of child.stdio) stream?.destroy();
    }, lingerMs);
  });
  child.on('close', (exitCode: number | null) => {
    clearTimeout(linger);
    if (running.delete(id)) reply({ event: 'exit', id, exitCode, killedBy: program.killedBy });
  });

  const [stdin, , , fd3, fd4, fd5] = child.stdio as readonly unknown[];
  if (message.stdin !== undefined) feed(stdin as Writable, message.stdin);
  if (message.fd3 !== undefined) {
    feed(fd3 as Writable, message.fd3);
    feed(fd5 as Writable, message.fd5 ?? new Uint8Array());
    (fd4 as Readable).on('data', (bytes: Buffer) => noteInside(program, bytes));
  }
  const outputs = {
    stdout: child.stdout,
    stderr: child.stderr,
    fd4: fd4 as Readable | null | undefined,
  };
  for (const stream of ['stdout', 'stderr', 'fd4'] as const) {
    const source = outputs[stream];
    if (source !== null && source !== undefined)
      forward(source, { id, stream }, () => linger?.refresh());
  }
}

/**
 * Closes what this process was given open by whoever started the worker, and would hand on to every program. Node.js's
 * own descriptors close by themselves on `exec` (flag 02000000).
 */
function closeInherited(): void {
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const flags = /^flags:\s+(\d+)/m.exec(
        readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'),
      )?.[1];
      const staysOpen = flags !== undefined && (Number.parseInt(flags, 8) & 0o2000000) === 0;
      if (staysOpen && Number(name) > 2) closeSync(Number(name));
    } catch {
      // The one that the list was read through is gone.
    }
  }
}

if (process.platform === 'linux') closeInherited();

process.on('message', (message: LauncherRequest) => {
  if (message.op === 'kill') {
    const found = running.get(message.id);
    if (found !== undefined) end(found, message.signal);
    return;
  }
  try {
    start(message);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    reply({ event: 'failed', id: message.id, code: code ?? String(error) });
  }
});

process.on('disconnect', () => {
  const programs = [...running.values()];
  for (const program of programs) {
    if (program.isSandbox) end(program, 'SIGTERM');
    else if (program.ownsGroup) end(program, 'SIGKILL');
  }
  const isMaking = ({ isSandbox, insidePid, child }: Running): boolean =>
    isSandbox && insidePid === undefined && child.exitCode === null && child.signalCode === null;
  const leaveAt = performance.now() + farewellMs;
  setInterval(() => {
    if (!programs.some(isMaking) || performance.now() > leaveAt) process.exit(0);
  }, 5);
});

// A terminal or supervisor signals every process; the worker still needs this one while it stops.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
