/**
 * How long does a caller wait for the 202 that says: this task will not be lost? Tasks of the `command` agent, one at a
 * time and eight at a time; the worker is at work on them meanwhile, as it would be.
 */
import { atMost, round, told, type Answer, type Bench, type Question } from './support/question.ts';
import { createRepositories } from './support/repositories.ts';
import { percentile } from './support/statistics.ts';
import { untilSucceeded, type Platform } from './support/platform.ts';

const submits = 200;
const widths = [1, 8] as const;

/** The question. */
export const submitLatency: Question = {
  name: 'submit-latency',
  title: 'From submit to 202',
  ask: async ({ platform, say }: Bench): Promise<Answer> => {
    const repositories = createRepositories(1);
    const [repository = ''] = repositories.paths;
    try {
      await submitAll(platform, { repository, width: 8, count: 50, prompt: 'warm up' });
      const figures = [];
      for (const width of widths) {
        const prompt = `submit, ${width} at a time`;
        const timesMs = await submitAll(platform, { repository, width, count: submits, prompt });
        const [p50, p99] = [percentile(timesMs, 0.5), percentile(timesMs, 0.99)];
        figures.push(told(`${prompt}, p50`, `${round(p50)} ms`));
        figures.push(atMost(`${prompt}, p99`, p99, { limit: 150, unit: ' ms' }));
        say(`${prompt}: p50 ${round(p50)} ms, p99 ${round(p99)} ms`);
      }
      return { figures, notes: [`${submits} tasks each, over HTTP on the same machine.`] };
    } finally {
      repositories.remove();
    }
  },
};

/** Submits tasks, so many under way at once; answers how long each took. Waits for their ends, outside of the times. */
async function submitAll(
  platform: Platform,
  {
    repository,
    width,
    count,
    prompt,
  }: { repository: string; width: number; count: number; prompt: string },
): Promise<number[]> {
  const work = { agent: 'command', exec: 'true', repository, fresh: true, prompt } as const;
  const timesMs: number[] = [];
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const began = performance.now();
      await platform.ado.client.call('post /v1/tasks', { body: work });
      timesMs.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  await untilSucceeded(platform, prompt, count);
  return timesMs;
}
