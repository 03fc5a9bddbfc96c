/**
 * How close does a batch come to its ideal schedule, and how soon is a free slot at work again?
 *
 * 100 items, 20 at once. Plain: a Temporal parent that keeps 20 children in flight, each one activity that sleeps. ado:
 * a submitted batch of a `command` agent over 100 git repositories that no worker has seen before; each item is cloned,
 * runs `sleep` in the sandbox, and is looked through for changes. Time runs from the call that submits to the moment
 * that the client knows of the end.
 */
import { followEvents } from '../cli/follow.ts';
import type { Event } from '../contracts/event.schema.ts';
import type { Platform } from './support/platform.ts';
import { atMost, round, told, type Answer, type Bench, type Question } from './support/question.ts';
import { createRepositories } from './support/repositories.ts';
import { listSchedule, median, percentile, seededDurations } from './support/statistics.ts';

const items = 100;
const parallel = 20;

/** Durations as in many real batches, and all alike: then 20 end, and 20 have to start, at the same moment. */
const shapes = {
  seeded: seededDurations(items, { fromMs: 500, toMs: 1_500, seed: 1 }),
  lockstep: Array.from({ length: items }, () => 1_000),
};
type Shape = keyof typeof shapes;

/** One batch of ado. */
interface AdoRun {
  readonly makespanMs: number;
  readonly submitMs: number;
  /** From the answer to the submit to the first item at work. */
  readonly firstStartMs: number;
  /** From the last item's end to the client's knowledge of the batch's. */
  readonly tailMs: number;
  readonly refillsMs: readonly number[];
}

/** The question. */
export const batchWindow: Question = {
  name: 'batch-window',
  title: `A batch of ${items} items, ${parallel} at once`,
  ask: async ({ platform, rounds, say }: Bench): Promise<Answer> => {
    const plain: Record<Shape, number[]> = { seeded: [], lockstep: [] };
    const ado: Record<Shape, AdoRun[]> = { seeded: [], lockstep: [] };
    // Round 0 warms up: code is compiled, connections are made.
    await runPlain(platform, 'seeded', 0);
    await runAdo(platform, 'seeded', 0);
    for (let turn = 1; turn <= rounds; turn += 1) {
      for (const shape of ['seeded', 'lockstep'] as const) {
        const plainMs = await runPlain(platform, shape, turn);
        const adoRun = await runAdo(platform, shape, turn);
        plain[shape].push(plainMs);
        ado[shape].push(adoRun);
        say(`${shape}: plain ${round(plainMs)} ms, ado ${round(adoRun.makespanMs)} ms`);
      }
    }
    return toAnswer(plain, ado);
  },
};

async function runPlain({ raw }: Platform, shape: Shape, turn: number): Promise<number> {
  const began = performance.now();
  await raw.runBatch(`batch-${shape}-${turn}`, { durationsMs: shapes[shape], parallel });
  return performance.now() - began;
}

async function runAdo({ ado }: Platform, shape: Shape, turn: number): Promise<AdoRun> {
  const repositories = createRepositories(items);
  try {
    const body = {
      prompt: `bench ${shape} ${turn}`,
      agent: 'command',
      exec: 'sleep "$ADO_VAR_SECONDS"',
      parallel,
      items: repositories.paths.map((repository, index) => {
        const seconds = ((shapes[shape][index] ?? 0) / 1_000).toFixed(3);
        return { repository, variables: { seconds } };
      }),
    } as const;
    const began = Date.now();
    const { id } = await ado.client.call('post /v1/batches', { body });
    const accepted = Date.now();
    const events = await readToEnd(ado.client, id);
    return toRun(events, { began, accepted, ended: Date.now() });
  } finally {
    repositories.remove();
  }
}

async function readToEnd(api: Platform['ado']['client'], id: string): Promise<Event[]> {
  const events: Event[] = [];
  const signal = AbortSignal.timeout(120_000);
  const stream = { api, id, after: 0, follow: true, signal, onConnection: () => undefined };
  for await (const event of followEvents(stream)) events.push(event);
  const end = events.at(-1);
  if (end?.type !== 'batch-ended' || end.data.result !== 'success') {
    const failed = events.find(
      (event) => event.type === 'item-ended' && event.data.outcome !== 'succeeded',
    );
    throw new Error(`the batch went wrong: ${JSON.stringify(failed ?? end)}`);
  }
  return events;
}

function toRun(
  events: readonly Event[],
  {
    began,
    accepted,
    ended,
  }: { readonly began: number; readonly accepted: number; readonly ended: number },
): AdoRun {
  const starts = timesOf(events, 'item-started');
  const ends = timesOf(events, 'item-ended');
  return {
    makespanMs: ended - began,
    submitMs: accepted - began,
    firstStartMs: (starts[0] ?? 0) - accepted,
    tailMs: ended - (ends.at(-1) ?? 0),
    refillsMs: starts.slice(parallel).map((start, index) => start - (ends[index] ?? 0)),
  };
}

function timesOf(events: readonly Event[], type: Event['type']): number[] {
  const fitting = events.filter((event) => event.type === type);
  return fitting.map((event) => Date.parse(event.at)).sort((one, other) => one - other);
}

function toAnswer(plain: Record<Shape, number[]>, ado: Record<Shape, AdoRun[]>): Answer {
  const idealMs = listSchedule(shapes.seeded, parallel);
  const middle = (shape: Shape) => {
    const adoMs = median(ado[shape].map(({ makespanMs }) => makespanMs));
    return { adoMs, plainMs: median(plain[shape]) };
  };
  const [seeded, lockstep] = [middle('seeded'), middle('lockstep')];
  const refills = [...ado.seeded, ...ado.lockstep].flatMap(({ refillsMs }) => refillsMs);
  const runs = ado.seeded;
  const part = (name: 'submitMs' | 'firstStartMs' | 'tailMs') =>
    round(median(runs.map((run) => run[name])));
  return {
    figures: [
      told('ideal schedule of the seeded items', `${round(idealMs)} ms`),
      told('seeded items, plain ÷ ideal', round(seeded.plainMs / idealMs)),
      atMost('seeded items, ado ÷ ideal', seeded.adoMs / idealMs, { limit: 1.08, unit: '' }),
      atMost('items of 1 s in lock-step, ado ÷ plain', lockstep.adoMs / lockstep.plainMs, {
        limit: 0.95,
        unit: '',
      }),
      atMost('slot free → next item at work, p50', percentile(refills, 0.5), {
        limit: 20,
        unit: ' ms',
      }),
      atMost('slot free → next item at work, p99', percentile(refills, 0.99), {
        limit: 100,
        unit: ' ms',
      }),
    ],
    notes: [
      `Seeded, each round: plain ${plain.seeded.map(round).join(', ')} ms; ado ${runs.map((run) => round(run.makespanMs)).join(', ')} ms.`,
      `Lock-step (ideal 5000 ms): plain ${plain.lockstep.map(round).join(', ')} ms; ado ${ado.lockstep.map((run) => round(run.makespanMs)).join(', ')} ms.`,
      `Of a seeded run: accepted after ${part('submitMs')} ms, first item at work ${part('firstStartMs')} ms later; the client knew ${part('tailMs')} ms after the last item's end.`,
      `A refill is the k-th item-started less the (k − ${parallel})-th item-ended, from the batch's durable events.`,
    ],
  };
}
