/**
 * How old is an event when it reaches the screen? A client follows the event stream of a batch while its items start
 * and end; an event's time is that of the transaction that wrote it.
 */
import { followEvents } from '../cli/follow.ts';
import { atMost, round, told, type Answer, type Bench, type Question } from './support/question.ts';
import { createRepositories } from './support/repositories.ts';
import { percentile } from './support/statistics.ts';

const items = 60;
const parallel = 5;

/** The question. */
export const eventLatency: Question = {
  name: 'event-latency',
  title: 'From event to client',
  ask: async ({ platform: { ado } }: Bench): Promise<Answer> => {
    const repositories = createRepositories(items);
    try {
      const body = {
        prompt: 'event latency',
        agent: 'command' as const,
        exec: 'sleep 0.3',
        parallel,
        items: repositories.paths.map((repository) => ({ repository })),
      };
      const { id } = await ado.client.call('post /v1/batches', { body });
      const signal = AbortSignal.timeout(120_000);
      const stream = {
        api: ado.client,
        id,
        after: 0,
        follow: true,
        signal,
        onConnection: () => undefined,
      };
      const agesMs: number[] = [];
      for await (const event of followEvents(stream)) {
        if (event.type.startsWith('item-')) agesMs.push(Date.now() - Date.parse(event.at));
      }
      return {
        figures: [
          told('event → client, p50', `${round(percentile(agesMs, 0.5))} ms`),
          atMost('event → client, p95', percentile(agesMs, 0.95), { limit: 200, unit: ' ms' }),
        ],
        notes: [`${agesMs.length} events of a batch of ${items} items, ${parallel} at once.`],
      };
    } finally {
      repositories.remove();
    }
  },
};
