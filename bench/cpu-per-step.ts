/**
 * What does a durable step cost? Temporal's price is CPU, so CPU time is what counts, of all processes that take part:
 * client or API, worker, Temporal, PostgreSQL with all its backends, Redis.
 *
 * Each round runs 50 workflows at once, in turns: raw Temporal with so many no-op activities, and ado's tasks of as many
 * durable steps. Programs that a task runs (git, sandbox, tools) are counted apart: they are the work, not the price of
 * doing it durably. Nobody waits for results: the ends are counted in the databases.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InputOf } from '../cli/api-client.ts';
import { readCpu } from './support/processes.ts';
import {
  atMost,
  round,
  told,
  type Answer,
  type Bench,
  type Figure,
  type Question,
} from './support/question.ts';
import { createRepositories, type Repositories } from './support/repositories.ts';
import { median } from './support/statistics.ts';
import { untilCounted, untilSucceeded, type Platform } from './support/platform.ts';

/** Runs at once; also the tenant's cap. */
const runs = 50;
/** Calls of a tool before the model is done. */
const toolTurns = 5;
/** Time for what is written behind the last end. */
const settleMs = 500;

type TaskBody = InputOf<'post /v1/tasks'>['body'];

/** A kind of task. */
interface Kind {
  readonly what: string;
  /** Durable steps: workspace, each command, model call and turn of tools, and the check with delivery. */
  readonly steps: number;
  readonly work: Omit<TaskBody, 'prompt' | 'repository'>;
}

/** CPU time of one run by who used it, in ms. */
type Bill = Record<'client' | 'worker' | 'temporal' | 'postgres' | 'redis' | 'programs', number>;

/** The question. */
export const cpuPerStep: Question = {
  name: 'cpu-per-step',
  title: 'CPU of a durable step',
  ask: async (bench: Bench): Promise<Answer> => {
    const folder = mkdtempSync(join(tmpdir(), 'ado-bench-scripts-'));
    const repositories = createRepositories(runs);
    try {
      return await compare(bench, kindsOf(folder), repositories);
    } finally {
      rmSync(folder, { recursive: true });
      repositories.remove();
    }
  },
};

/** Writes the scripts of the scripted model; answers the kinds of task that are measured. */
function kindsOf(folder: string): Record<'model' | 'tools' | 'command', Kind> {
  const script = (name: string, answers: readonly object[]): string => {
    const file = join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify({ answers }));
    return `scripted:${file}`;
  };
  const last = { text: 'Done.' };
  const read = { toolCalls: [{ tool: 'read_file', input: { path: 'README.md' } }] };
  const tools = [...Array.from({ length: toolTurns }, () => read), last];
  return {
    model: { what: 'task of one model turn', steps: 3, work: { model: script('model', [last]) } },
    tools: {
      what: `task of ${toolTurns + 1} model turns, ${toolTurns} with a tool call`,
      steps: 3 + 2 * toolTurns,
      work: { model: script('tools', tools) },
    },
    command: {
      what: 'command task with a commit',
      steps: 3,
      work: { agent: 'command', exec: 'echo change >> README.md' },
    },
  };
}

async function compare(
  { platform, rounds, say }: Bench,
  kinds: ReturnType<typeof kindsOf>,
  { paths }: Repositories,
): Promise<Answer> {
  const bills = { raw: new Map<Kind, Bill[]>(), ado: new Map<Kind, Bill[]>() };
  const add = (side: 'raw' | 'ado', kind: Kind, bill: Bill): void => {
    bills[side].set(kind, [...(bills[side].get(kind) ?? []), bill]);
    say(`${side === 'raw' ? `raw, ${kind.steps} steps` : kind.what}: ${describe(bill)}`);
  };
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const kind of Object.values(kinds)) {
      const raw = await billRaw(platform, kind, turn);
      const ado = await billAdo(platform, kind, { turn, paths });
      // Round 0 warms up: code is compiled, mirrors are made.
      if (turn === 0) continue;
      add('raw', kind, raw);
      add('ado', kind, ado);
    }
  }
  const { model, tools, command } = kinds;
  const [commandHistory, toolsHistory] = [
    await readHistory(platform, command, paths[0] ?? ''),
    await readHistory(platform, tools, paths[0] ?? ''),
  ];
  const middle = (side: 'raw' | 'ado', kind: Kind): Bill => medianBill(bills[side].get(kind) ?? []);
  const ratioOf = (kind: Kind): Figure => {
    const ratio = total(middle('ado', kind)) / total(middle('raw', kind));
    return atMost(`${kind.what}: CPU ÷ as many raw steps`, ratio, { limit: 1.25, unit: ' ×' });
  };
  return {
    figures: [
      ...[model, tools, command].map(ratioOf),
      atMost('activities of a command task', commandHistory.activities, { limit: 3, unit: '' }),
      atMost('history events of a command task', commandHistory.events, { limit: 25, unit: '' }),
      told('state transitions of a command task', String(commandHistory.transitions)),
      atMost('activities of a model turn', toolsHistory.activities / (toolTurns + 1), {
        limit: 2,
        unit: '',
      }),
    ],
    notes: Object.values(kinds).flatMap((kind) => [
      `Raw, ${kind.steps} steps, CPU of a run: ${describe(middle('raw', kind))}.`,
      `A ${kind.what}, CPU of a run: ${describe(middle('ado', kind))}.`,
    ]),
  };
}

async function billRaw(platform: Platform, kind: Kind, turn: number): Promise<Bill> {
  const prefix = `steps-${kind.what.replaceAll(' ', '-')}-${turn}`;
  return billFor(platform, platform.raw.workerPid, async () => {
    await platform.raw.startSteps(prefix, runs, kind.steps);
    const ended = `select count(*)::int as answer from current_executions where workflow_id like $1 and state = 3`;
    await untilCounted(runs, () => platform.askTemporal(ended, `${prefix}-%`));
  });
}

async function billAdo(
  platform: Platform,
  { work, what }: Kind,
  { turn, paths }: { readonly turn: number; readonly paths: readonly string[] },
): Promise<Bill> {
  const prompt = `${what}, round ${turn}`;
  return billFor(platform, platform.ado.worker.pid() ?? 0, async () => {
    const submit = async (repository: string) =>
      platform.ado.client.call('post /v1/tasks', { body: { ...work, prompt, repository } });
    await Promise.all(paths.map(submit));
    await untilSucceeded(platform, prompt, runs);
  });
}

/** Runs something and answers what it cost, for each of the runs. */
async function billFor(
  platform: Platform,
  worker: number,
  run: () => Promise<void>,
): Promise<Bill> {
  const before = readMeters(platform, worker);
  await run();
  await sleep(settleMs);
  const after = readMeters(platform, worker);
  const names = Object.keys(before) as (keyof Bill)[];
  return Object.fromEntries(
    names.map((name) => [name, (after[name] - before[name]) / runs]),
  ) as Bill;
}

function readMeters({ ado, temporal, postgres, redis }: Platform, worker: number): Bill {
  const read = (pid: number | undefined) => readCpu(pid ?? 0);
  const { user, system } = process.cpuUsage();
  const [api, work, database] = [read(ado.api.pid()), read(worker), read(postgres.pid())];
  return {
    client: (user + system) / 1_000 + api.ownMs,
    worker: work.ownMs,
    temporal: read(temporal.pid()).ownMs,
    postgres: database.ownMs + database.childrenMs,
    redis: read(redis.pid()).ownMs,
    programs: api.childrenMs + work.childrenMs,
  };
}

/** The price of doing it durably: all but the programs that do the work. */
function total({ programs: _programs, ...others }: Bill): number {
  return Object.values(others).reduce((sum, ms) => sum + ms, 0);
}

function medianBill(bills: readonly Bill[]): Bill {
  const names = Object.keys(bills[0] ?? {}) as (keyof Bill)[];
  return Object.fromEntries(
    names.map((name) => [name, median(bills.map((bill) => bill[name]))]),
  ) as Bill;
}

function describe(bill: Bill): string {
  const { programs, ...others } = bill;
  const parts = Object.entries(others).map(([name, ms]) => `${name} ${round(ms)}`);
  return `${round(total(bill))} ms (${parts.join(', ')}), programs ${round(programs)} ms`;
}

async function readHistory(platform: Platform, { what, work }: Kind, repository: string) {
  const prompt = `the history of a ${what}`;
  const task = await platform.ado.client.call('post /v1/tasks', {
    body: { ...work, prompt, repository },
  });
  await untilSucceeded(platform, prompt, 1);
  return platform.raw.readHistory(task.id);
}
