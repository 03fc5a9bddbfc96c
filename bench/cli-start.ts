/** How long until the command line answers? Whole processes from start to end, as a shell would run them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { checkoutRoot } from '../cli/dev/checkout.ts';
import { atMost, round, type Answer, type Bench, type Question } from './support/question.ts';
import { median } from './support/statistics.ts';

const calls = 15;

/** The question. */
export const cliStart: Question = {
  name: 'cli-start',
  title: 'The command line',
  ask: ({ platform: { ado } }: Bench): Promise<Answer> => {
    const env = { ...process.env, ADO_URL: ado.url, ADO_API_KEY: ado.apiKey };
    const timesOf = (...words: readonly string[]): number[] =>
      Array.from({ length: calls }, () => {
        const began = performance.now();
        execFileSync(join(checkoutRoot(), 'ado'), words, {
          env,
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        return performance.now() - began;
      });
    const version = timesOf('--version');
    const list = timesOf('ps');
    return Promise.resolve({
      figures: [
        atMost('`ado --version`', median(version), { limit: 200, unit: ' ms' }),
        atMost('`ado ps`', median(list), { limit: 400, unit: ' ms' }),
      ],
      notes: [
        `Medians of ${calls} calls; longest ${round(Math.max(...version))} and ${round(Math.max(...list))} ms.`,
      ],
    });
  },
};
